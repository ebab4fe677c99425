import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the package. */
export const root: string = fileURLToPath(new URL('../..', import.meta.url))

/** A file of the package: its path from the root, with `/`, and its text. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

/** Every TypeScript file of a folder of the package, and of the folders in it. */
export async function sourceFiles(folder: string): Promise<SourceFile[]> {
  const names = await readdir(join(root, folder), { recursive: true })
  return Promise.all(
    names
      .filter((name) => name.endsWith('.ts'))
      .map(async (name) => ({
        path: join(folder, name).replaceAll('\\', '/'),
        text: await readFile(join(root, folder, name), 'utf8'),
      })),
  )
}

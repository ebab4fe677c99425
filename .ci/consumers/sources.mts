import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { root } from '../../test/support/source-files.ts'

/** The programs that are compiled and run, as the README and the page on other frameworks show them. */
export const programs: readonly string[] = [
  'quickstart-express.mts',
  'quickstart-express.cts',
  'quickstart-koa.mts',
  'quickstart-koa.cts',
  'fastify.mts',
  'hono.mts',
]

/** Writes the programs, and the tests that Jest runs. */
export async function writeSources(folder: string): Promise<void> {
  for (const framework of ['express', 'koa']) {
    const from = join(root, 'examples', `quickstart-${framework}.ts`)
    for (const kind of ['mts', 'cts'])
      await copyFile(from, join(folder, `quickstart-${framework}.${kind}`))
  }
  const page = await readFile(join(root, 'docs/frameworks.md'), 'utf8')
  for (const name of ['fastify', 'hono'])
    await writeFile(join(folder, `${name}.mts`), blockOf(page, name))
  const tests = join(folder, 'jest')
  await mkdir(tests)
  await writeFile(join(tests, 'package.json'), JSON.stringify({ private: true }))
  await copyFile(join(import.meta.dirname, 'jest.cjs'), join(tests, 'memory.test.js'))
}

/** The block of code on a page that imports this package. */
function blockOf(page: string, name: string): string {
  const blocks = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code)
  const [block, ...more] = blocks.filter((code) => code.includes(`from '${name}'`))
  if (block === undefined || more.length > 0) throw new Error(`docs: one block for ${name}`)
  return block
}

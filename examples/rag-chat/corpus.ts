import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, extname, join, relative, sep } from 'node:path'
import { readHtml } from './html.ts'
import { paragraph, readMarkdown } from './markdown.ts'
import { type Document, type Passage, type Piece, toPassages } from './passage.ts'

/** What this repository says of itself. */
export const ownDocuments = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'docs',
  'decisions',
]

const readers: Readonly<Record<string, (text: string) => Piece[]>> = {
  '.md': readMarkdown,
  '.markdown': readMarkdown,
  '.html': readHtml,
  '.htm': readHtml,
  '.txt': readText,
}

// A folder of documents, not a disk: what is larger is somebody's export or log.
const largestFile = 2_000_000
const mostFiles = 2_000

/**
 * Reads the documents at these paths below `root`, folders with all that is in them. Paths that are
 * not there are left out, as are hidden folders, `node_modules` and links.
 */
export async function readDocuments(
  root: string,
  paths: readonly string[] = ['.'],
): Promise<Document[]> {
  const files: string[] = []
  for (const path of paths) await collect(join(root, path), files)
  const names = files.toSorted().slice(0, mostFiles)
  return Promise.all(
    names.map(async (name) => ({
      file: relative(root, name).split(sep).join('/') || basename(name),
      text: (await readFile(name, 'utf8')).replace(/^\uFEFF/u, ''),
    })),
  )
}

/** Cuts documents into passages, each by the rules of its kind. */
export function passagesOf(documents: readonly Document[]): Passage[] {
  return documents.flatMap(({ file, text }) => {
    const read = readers[extname(file).toLowerCase()] ?? readText
    return toPassages(file, read(text))
  })
}

async function collect(path: string, into: string[]): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isFile() && readable(path, found.size)) into.push(path)
  if (!found?.isDirectory()) return
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules' || entry.isSymbolicLink())
      continue
    await collect(join(path, entry.name), into)
  }
}

function readable(path: string, size: number): boolean {
  return extname(path).toLowerCase() in readers && size <= largestFile
}

/** Plain text: paragraphs are what empty lines part. */
function readText(text: string): Piece[] {
  return text
    .replace(/\r\n?/gu, '\n')
    .split(/\n\s*\n/u)
    .map(paragraph)
    .filter((block) => block !== undefined)
}

import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import MiniSearch from 'minisearch'

/** A section of a document. */
export interface Passage {
  readonly file: string
  readonly heading: string
  readonly text: string
}

/** Documents that can be searched. */
export interface Library {
  /** Changes with the documents. */
  readonly version: string
  /** The three passages that fit best, best first. */
  search(question: string): readonly Passage[]
}

/** Reads the Markdown files of a folder. */
export async function readPassages(folder: string): Promise<Passage[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.md')).toSorted()
  const files = names.map(async (file) =>
    sections(file, await readFile(join(folder, file), 'utf8')),
  )
  return (await Promise.all(files)).flat()
}

/** Indexes passages by their words; those of headings count more. */
export function createLibrary(passages: readonly Passage[]): Library {
  const index = new MiniSearch({ fields: ['heading', 'text'] })
  index.addAll(passages.map((passage, id) => ({ id, ...passage })))
  return {
    version: createHash('sha256').update(JSON.stringify(passages)).digest('base64url').slice(0, 16),
    search: (question) =>
      index
        .search(question, { boost: { heading: 3 }, prefix: (term) => term.length > 3 })
        .flatMap(({ id }) => passages[Number(id)] ?? [])
        .slice(0, 3),
  }
}

function sections(file: string, markdown: string): Passage[] {
  return markdown
    .replaceAll(/^```.*?^```$/gms, '')
    .split(/^#+ /m)
    .map((section) => {
      const [heading = '', ...lines] = section.split('\n')
      return { file, heading, text: lines.join('\n').trim() }
    })
    .filter(({ text }) => text !== '')
}

/** A piece of a document that is shown whole or, where it is made of parts, by its parts. */
export type Block =
  | { readonly kind: 'paragraph'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | { readonly kind: 'table'; readonly head: readonly string[]; readonly rows: readonly string[] }
  | { readonly kind: 'code'; readonly text: string }

/** A heading of a document, or a block below one. */
export type Piece =
  | Block
  | { readonly kind: 'heading'; readonly level: number; readonly text: string }

/** What stands under one heading: what an answer is made from and cites. */
export interface Passage {
  /** The same as long as file and heading are: `docs/limits.md#bursts`. */
  readonly id: string
  /** Relative to the folder that was read, with `/`. */
  readonly file: string
  /** The document's own title. */
  readonly title: string
  /** Headings from the document's title down to this one. */
  readonly trail: readonly string[]
  readonly heading: string
  /** As GitHub names it in links. */
  readonly anchor: string
  readonly blocks: readonly Block[]
}

/** A file that was read. */
export interface Document {
  readonly file: string
  readonly text: string
}

// Longer runs under one heading are cut between blocks: a passage stays about one thing.
const longestPassage = 1800

/** Cuts a document's pieces into passages, at headings. */
export function toPassages(file: string, pieces: readonly Piece[]): Passage[] {
  const titled = pieces.find((piece) => piece.kind === 'heading')
  const title = titled?.kind === 'heading' ? titled.text : nameOf(file)
  const passages: Passage[] = []
  const anchors = new Map<string, number>()
  let trail: string[] = [title]
  let levels: number[] = [0]
  let anchor = ''
  let blocks: Block[] = []

  function cut(): void {
    for (const [index, part] of inParts(blocks).entries()) {
      const suffix = index === 0 ? '' : `~${index + 1}`
      const id = `${file}${anchor === '' ? '' : `#${anchor}`}${suffix}`
      passages.push({
        id,
        file,
        title,
        trail,
        heading: trail.at(-1) ?? title,
        anchor,
        blocks: part,
      })
    }
    blocks = []
  }

  for (const piece of pieces) {
    if (piece.kind !== 'heading') {
      blocks.push(piece)
      continue
    }
    cut()
    const keep = levels.findIndex((level) => level >= piece.level)
    const depth = keep === -1 ? levels.length : keep
    trail = [...trail.slice(0, depth), plain(piece.text)]
    if (piece === titled) trail = [plain(piece.text)]
    levels = [...levels.slice(0, trail.length - 1), piece.level]
    anchor = anchorOf(piece.text, anchors)
  }
  cut()
  return passages
}

/** The source text of a block. */
export function sourceOf(block: Block): string {
  if (block.kind === 'list') return block.items.join('\n')
  if (block.kind === 'table') return [...block.head, ...block.rows].join('\n')
  return block.text
}

/** Text without the marks of Markdown, for searching and for headings. */
export function plain(markdown: string): string {
  return markdown
    .replace(/!?\[([^\]]*)\]\([^)]*\)/gu, '$1')
    .replace(/\[([^\]]+)\]\[[^\]]*\]/gu, '$1')
    .replace(/[`*]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '')
    .replace(/\\([\\`*_{}[\]()#+\-.!|])/gu, '$1')
    .trim()
}

function inParts(blocks: readonly Block[]): Block[][] {
  const parts: Block[][] = []
  let size = 0
  for (const block of blocks) {
    const length = sourceOf(block).length
    const last = parts.at(-1)
    if (last === undefined || size + length > longestPassage) {
      parts.push([block])
      size = length
    } else {
      last.push(block)
      size += length
    }
  }
  return parts
}

function anchorOf(heading: string, taken: Map<string, number>): string {
  const slug = plain(heading)
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/gu, '-')
  const times = taken.get(slug) ?? 0
  taken.set(slug, times + 1)
  return times === 0 ? slug : `${slug}-${times}`
}

function nameOf(file: string): string {
  return (file.split('/').at(-1) ?? file).replace(/\.[^.]+$/u, '')
}

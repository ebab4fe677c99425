import { type Block, plain } from './passage.ts'

/** A part of a block that can be shown by itself. */
export interface Unit {
  /** Which block of the passage. */
  readonly block: number
  /** Which sentence, item or row of the block. */
  readonly part: number
  readonly kind: Block['kind']
  readonly text: string
}

/** Sentences of paragraphs, items of lists, rows of tables, code as a whole. */
export function unitsOf(blocks: readonly Block[]): Unit[] {
  return blocks.flatMap((block, index) =>
    partsOf(block).map((text, part) => ({ block: index, part, kind: block.kind, text })),
  )
}

function partsOf(block: Block): readonly string[] {
  if (block.kind === 'list') return block.items
  if (block.kind === 'table') return block.rows
  return block.kind === 'code' ? [block.text] : sentencesOf(block.text)
}

/** The sentences of a paragraph. Dots inside code, names, numbers and abbreviations end none. */
export function sentencesOf(text: string): string[] {
  const sentences: string[] = []
  let start = 0
  for (const { index, 0: mark } of text.matchAll(
    /[.!?…]["'”’)\]*]*\s+(?=["'“‘([*`]*[\p{Lu}\p{N}`])/gu,
  )) {
    const upTo = text.slice(start, index + mark.length)
    if (/(?:\b(?:e\.g|i\.e|cf|vs|etc|no|fig|approx)|\b\p{Lu})\.\s+$/iu.test(upTo)) continue
    if ((upTo.split('`').length - 1) % 2 === 1) continue
    sentences.push(upTo.trim())
    start = index + mark.length
  }
  const last = text.slice(start).trim()
  return last === '' ? sentences : [...sentences, last]
}

/** Whether a paragraph only announces what follows. */
export function announces(block: Block | undefined): boolean {
  return block?.kind === 'paragraph' && plain(block.text).endsWith(':')
}

import { covered } from './library.ts'
import { type Block, type Passage, sourceOf } from './passage.ts'
import {
  asksForWhole,
  type Rated,
  rateUnits,
  showsHow,
  termsOfHeadings,
  type Wanted,
} from './rating.ts'
import { tokenize } from './terms.ts'
import { announces, sentencesOf } from './units.ts'

/** The part of a passage that answers. */
export interface Excerpt {
  /** Markdown, word for word as in the document; `''` where nothing fits. */
  readonly text: string
  /** How much of what was asked for stands in it or in its headings. */
  readonly coverage: number
}

/** Which parts of each block are shown, by the block's number; `undefined` is all of them. */
type Shown = Map<number, number[] | undefined>

// A paragraph or list up to this length is shown whole rather than in pieces.
const shortText = 480
// A table of this many rows can be read whole where the question is for all of them.
const shortTable = 16

/** Picks the sentences, items, rows and code of a passage that answer, in the document's order. */
export function excerptOf(passage: Passage, wanted: Wanted): Excerpt {
  const units = rateUnits(passage, wanted)
  const best = units.toSorted((a, b) => b.rating - a.rating)[0]
  if (best === undefined) return { text: '', coverage: 0 }
  const shown = widen(passage, pick(units, best, wanted), wanted)
  const text = [...shown]
    .toSorted(([a], [b]) => a - b)
    .map(([block, parts]) => render(passage.blocks[block], parts))
    .filter((part) => part !== '')
    .join('\n\n')
  const found = new Set([...termsOfHeadings(passage), ...tokenize(text)])
  return { text, coverage: covered(wanted.terms, found, wanted.weight) }
}

function pick(units: readonly Rated[], best: Rated, { brief }: Wanted): Rated[] {
  if (brief) return [best]
  return units
    .filter((unit) => unit.rating >= best.rating * 0.7 && unit.rating > 0)
    .toSorted((a, b) => b.rating - a.rating)
    .slice(0, best.kind === 'table' ? 6 : 4)
}

/** Adds what a picked part cannot be read without, and what was asked for as a whole. */
function widen(passage: Passage, picked: readonly Rated[], wanted: Wanted): Shown {
  const { blocks } = passage
  const shown: Shown = new Map()
  for (const { block, part } of picked) {
    const parts = shown.has(block) ? shown.get(block) : []
    shown.set(block, isShort(blocks[block]) ? undefined : parts && [...parts, part])
  }
  const whole = blocks.findIndex(
    (block) => fitsWhole(block) && asksForWhole(block, passage, wanted),
  )
  if (whole !== -1) shown.set(whole, undefined)
  for (const block of [...shown.keys()]) addAnnounced(blocks, block, shown)
  const code = blocks.findIndex((block) => showsHow(block, passage, wanted))
  if (!wanted.brief && code !== -1 && !hasCode(blocks, shown)) shown.set(code, undefined)
  return shown
}

// `Set it so:` goes with the code that follows, and the code with it.
function addAnnounced(blocks: readonly Block[], block: number, shown: Shown): void {
  if (announces(blocks[block - 1]) && blocks[block]?.kind !== 'paragraph')
    shown.set(block - 1, undefined)
  if (announces(blocks[block]) && blocks[block + 1]) shown.set(block + 1, undefined)
}

function hasCode(blocks: readonly Block[], shown: Shown): boolean {
  return [...shown.keys()].some((block) => blocks[block]?.kind === 'code')
}

function fitsWhole(block: Block): boolean {
  return block.kind === 'table' ? block.rows.length <= shortTable : isShort(block)
}

function isShort(block: Block | undefined): boolean {
  if (block === undefined || block.kind === 'table') return false
  return block.kind === 'code' || sourceOf(block).length <= shortText
}

function render(block: Block | undefined, parts: readonly number[] | undefined): string {
  if (block === undefined) return ''
  if (parts === undefined) return sourceOf(block)
  const order = [...parts].toSorted((a, b) => a - b)
  const take = (from: readonly string[]) => order.flatMap((part) => from[part] ?? [])
  if (block.kind === 'table') return [...block.head, ...take(block.rows)].join('\n')
  if (block.kind === 'list') return take(block.items).join('\n')
  return block.kind === 'code' ? block.text : take(sentencesOf(block.text)).join(' ')
}

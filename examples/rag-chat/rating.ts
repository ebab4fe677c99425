import { covered } from './library.ts'
import type { Block, Passage } from './passage.ts'
import { contentTerms, isAttribute, tokenize } from './terms.ts'
import { type Unit, unitsOf } from './units.ts'

/** What an excerpt is chosen for. */
export interface Wanted {
  readonly terms: ReadonlyMap<string, number>
  readonly question: string
  readonly weight: (term: string) => number
  /** One statement only. */
  readonly brief: boolean
}

/** A part of a passage, and how well it answers. */
export interface Rated extends Unit {
  readonly rating: number
}

const asksHow =
  /\b(?:how (?:do|can|to|would|should)|example|code|snippet|set ?up|configure|install|show me|turn)\b/iu
const asksAmount =
  /\b(?:how (?:long|many|much|often|big|large)|default|maximum|minimum|limit|size|when)\b/iu
const asksWhat = /^\s*what(?:'s| is| are| does| do)\b/iu
const asksAll = /^\s*(?:which|what are|list|show)\b/iu

/** Rates what a passage says, each part by itself. */
export function rateUnits(passage: Passage, wanted: Wanted): Rated[] {
  const factors = factorsIn(passage, wanted)
  return unitsOf(passage.blocks).map((unit) => {
    const share = covered(factors, new Set(tokenize(unit.text)), wanted.weight)
    return { ...unit, rating: share * worth(unit, wanted) + bonus(unit, wanted) }
  })
}

// The heading has already said its words, and the turns before have led to this passage: a part is
// judged by the words that are left of the question, and by the rest where none is left.
function factorsIn(passage: Passage, { terms, question }: Wanted): Map<string, number> {
  const heading = termsOfHeadings(passage)
  const own = new Set(contentTerms(question))
  const left = [...own].some((term) => !heading.has(term))
  const factors = new Map<string, number>()
  for (const [term, factor] of terms) {
    const carried = left && !own.has(term) && factor < 1 ? 0.4 : 1
    factors.set(term, factor * carried * (heading.has(term) ? 0.3 : 1))
  }
  return factors
}

function worth({ kind }: Unit, { question }: Wanted): number {
  return kind === 'code' && !asksHow.test(question) ? 0.6 : 1
}

function bonus({ kind, block, part, text }: Unit, { question }: Wanted): number {
  if (kind === 'code') return asksHow.test(question) ? 0.2 : 0
  const first = block === 0 && part === 0 ? 0.12 : 0
  const explains = kind === 'paragraph' && part === 0 && asksWhat.test(question) ? 0.15 : 0
  const amount = asksAmount.test(question) && /\d/u.test(text) ? 0.1 : 0
  return first + explains + amount
}

/** The stems of a passage's headings. */
export function termsOfHeadings({ trail }: Passage): Set<string> {
  return new Set(tokenize(trail.join(' ')))
}

/** Whether all of a table or list is asked for: `Which formats are there?`, below `Formats`. */
export function asksForWhole(block: Block, passage: Passage, { terms, question }: Wanted): boolean {
  if (!asksAll.test(question) || (block.kind !== 'table' && block.kind !== 'list')) return false
  const subject = [...terms.keys()].filter((term) => !isAttribute(term))
  const head = new Set(block.kind === 'table' ? tokenize(block.head.join(' ')) : [])
  if (subject.some((term) => head.has(term))) return true
  const heading = termsOfHeadings(passage)
  const named = contentTerms(passage.heading).some((term) => terms.has(term))
  return named && subject.every((term) => heading.has(term))
}

/** Whether code shows how: it has a word of the question, or all of its heading was asked for. */
export function showsHow(code: Block, passage: Passage, { question }: Wanted): boolean {
  if (code.kind !== 'code' || !asksHow.test(question)) return false
  const asked = contentTerms(question)
  const heading = termsOfHeadings(passage)
  const said = new Set(tokenize(code.text))
  return (
    contentTerms(passage.heading).every((term) => asked.includes(term)) ||
    asked.some((term) => said.has(term) && !heading.has(term))
  )
}

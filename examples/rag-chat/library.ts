import { createHash } from 'node:crypto'
import MiniSearch from 'minisearch'
import { type Passage, plain, sourceOf } from './passage.ts'
import type { Question } from './question.ts'
import { actionsOf, compoundsOf, contentTerms, isAttribute, related, tokenize } from './terms.ts'

/** A passage that fits a question. */
export interface Hit {
  readonly passage: Passage
  readonly score: number
  /** How much of what was asked for stands in it, rare words counting more: 0 to 1. */
  readonly coverage: number
  /** Its heading says all that was asked, and nothing else. */
  readonly exact: boolean
}

/** Documents that can be searched. */
export interface Library {
  readonly passages: readonly Passage[]
  /** Changes with any of the texts. */
  readonly version: string
  /** The best passages, best first. */
  search(question: Question, limit?: number): Hit[]
  /** What a question asks for: stems and how much each counts. */
  terms(question: Question): ReadonlyMap<string, number>
  /** How telling a stem is: the rarer, the higher. */
  weight(term: string): number
  /** Whether any passage has this stem, or one that may stand for it. */
  knows(term: string): boolean
  /** Whether the stems name a document: `settings`, where one has that title. */
  titled(terms: readonly string[]): boolean
  passage(id: string): Passage | undefined
}

// The subject leads to the right document, the question's own words to the place in it.
const aboutWeight = 0.7
// A word of the turns before that no heading has, such as a verb, is hardly the subject.
const asideWeight = 0.25
// `long` of `how long` is asked of many things.
const attributeWeight = 0.5
const unknownActionWeight = 0.2
const compoundWeight = 1.5
const relatedWeight = 0.4
// Release notes mention everything; they answer only what is asked about releases.
const releaseNotes = /(?:^|\/)(?:changelog|history|releases?)\.[a-z]+$/iu
const asksForCode = /\b(?:examples?|code|snippet|sample|command)\b/iu
const aboutReleases =
  /\b(?:changelog|released?|releases|versions?|what(?:'s| is) new|what (?:has )?changed|(?:new|added|changed|fixed|removed) in)\b/iu

/** Indexes passages: words, with headings counting more than text. */
export function createLibrary(passages: readonly Passage[]): Library {
  const index = createIndex(passages)
  const byId = new Map(passages.map((passage) => [passage.id, passage]))
  const spread = countPassages(passages)
  const headings = new Set(passages.flatMap(({ trail }) => tokenize(trail.join(' '))))
  const titles = [...new Set(passages.map(({ title }) => title))]
    .map(contentTerms)
    .filter((terms) => terms.length > 0)

  function weight(term: string): number {
    const found = spread.get(term) ?? 0
    return Math.log(1 + (passages.length - found + 0.5) / (found + 0.5))
  }

  function knows(term: string): boolean {
    return [term, ...related(term)].some((form) => spread.has(form))
  }

  function terms({ text, about }: Question): Map<string, number> {
    const found = new Map(
      contentTerms(about).map((term) => [term, headings.has(term) ? aboutWeight : asideWeight]),
    )
    const actions = actionsOf(text)
    for (const term of contentTerms(text)) {
      const weight = ownWeight(term, knows(term), actions.has(term))
      if (weight > 0) found.set(term, weight)
    }
    for (const term of compoundsOf(text)) if (spread.has(term)) found.set(term, compoundWeight)
    return found
  }

  function search(question: Question, limit = 6): Hit[] {
    const asked = terms(question)
    const own = new Map(
      [...terms({ ...question, about: '' })].filter(([term]) => !isAttribute(term)),
    )
    const wanted = withRelated(asked)
    if (wanted.size === 0) return []
    const results = index.search([...wanted.keys()].join(' '), {
      boostTerm: (term) => wanted.get(term) ?? 1,
      prefix: (term) => term.length > 4,
      fuzzy: (term) => (spread.has(term) || term.length < 6 ? false : 0.2),
    })
    const hits = results.flatMap((result) => {
      const passage = byId.get(String(result.id))
      if (passage === undefined) return []
      const found = new Set(result.queryTerms)
      const coverage = covered(asked, found, weight)
      const rank =
        (0.2 + coverage ** 2) *
        (0.5 + covered(own, found, weight)) *
        (1 + aptness(passage.heading, asked) / 2) *
        kindOf(passage, question.text)
      const score = result.score * rank
      return [{ passage, coverage, score, exact: saysAll(passage.heading, asked) }]
    })
    return hits.toSorted((a, b) => b.score - a.score).slice(0, limit)
  }

  return {
    passages,
    version: digest(passages),
    search,
    terms,
    weight,
    knows,
    titled: (terms) => titles.some((title) => title.every((term) => terms.includes(term))),
    passage: (id) => byId.get(id),
  }
}

function createIndex(passages: readonly Passage[]): MiniSearch {
  const index = new MiniSearch({
    fields: ['heading', 'trail', 'body'],
    tokenize,
    processTerm: (term) => term,
    searchOptions: {
      boost: { heading: 2.5, trail: 1.2, body: 1 },
      combineWith: 'OR',
      tokenize: (text) => text.split(' '),
    },
  })
  index.addAll(
    passages.map(({ id, file, heading, trail, blocks }) => ({
      id,
      heading,
      trail: `${trail.slice(0, -1).join(' ')} ${file.replace(/\.[^.]+$/u, '')}`,
      body: blocks.map((block) => plain(sourceOf(block))).join('\n'),
    })),
  )
  return index
}

// A manual need not have the words `example` or `bring` to answer what is asked with them.
function ownWeight(term: string, known: boolean, action: boolean): number {
  if (isAttribute(term)) return known ? attributeWeight : 0
  return known || !action ? 1 : unknownActionWeight
}

/** All stems of a passage, with those of its headings. */
function termsOf({ trail, file, blocks }: Passage): Set<string> {
  return new Set(tokenize([...trail, file, ...blocks.map(sourceOf)].join('\n')))
}

function countPassages(passages: readonly Passage[]): Map<string, number> {
  const spread = new Map<string, number>()
  for (const passage of passages)
    for (const term of termsOf(passage)) spread.set(term, (spread.get(term) ?? 0) + 1)
  return spread
}

function saysAll(heading: string, asked: ReadonlyMap<string, number>): boolean {
  const terms = new Set(tokenize(heading))
  return aptness(heading, asked) === 1 && [...asked.keys()].every((term) => terms.has(term))
}

function kindOf({ id, file, blocks }: Passage, text: string): number {
  // A section begins with what it is about.
  const begins = id.includes('~') ? 0.85 : 1
  const notes = releaseNotes.test(file) && !aboutReleases.test(text) ? 0.4 : 1
  const code = asksForCode.test(text) && blocks.some(({ kind }) => kind === 'code') ? 3 : 1
  return begins * notes * code
}

/** How much of a heading was asked for: `Thumbnails` wholly, `Turning thumbnails off` in part. */
function aptness(heading: string, asked: ReadonlyMap<string, number>): number {
  const terms = contentTerms(heading)
  return terms.filter((term) => asked.has(term)).length / Math.max(terms.length, 1)
}

function withRelated(terms: ReadonlyMap<string, number>): Map<string, number> {
  const wanted = new Map(terms)
  for (const [term, weight] of terms)
    for (const other of related(term))
      if (!wanted.has(other)) wanted.set(other, weight * relatedWeight)
  return wanted
}

/** How much of the terms is among those found: a related word counts for most of its term. */
export function covered(
  terms: ReadonlyMap<string, number>,
  found: ReadonlySet<string>,
  weight: (term: string) => number,
): number {
  let have = 0
  let all = 0
  for (const [term, factor] of terms) {
    const value = weight(term) * factor
    all += value
    if (found.has(term)) have += value
    else if (related(term).some((other) => found.has(other))) have += value * 0.7
  }
  return all === 0 ? 0 : have / all
}

function digest(passages: readonly Passage[]): string {
  const hash = createHash('sha256')
  for (const { id, blocks } of passages) hash.update(`${id}\n${blocks.map(sourceOf).join('\n')}\n`)
  return hash.digest('base64url').slice(0, 16)
}

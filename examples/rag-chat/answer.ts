import { excerptOf } from './excerpt.ts'
import type { Hit, Library } from './library.ts'
import { type Passage, sourceOf } from './passage.ts'
import { type Question, read } from './question.ts'
import { stem } from './stem.ts'
import { contentWords, related } from './terms.ts'

/** Where a statement stands. */
export interface Source {
  /** As the answer cites it: `[1]`. */
  readonly number: number
  readonly id: string
  readonly file: string
  readonly anchor: string
  readonly trail: readonly string[]
  /** The passage, shown when somebody looks it up. */
  readonly text: string
}

/** An answer, with what it rests on. */
export interface Answer {
  /** Markdown: paragraphs, lists, tables, code, `[1]` for its sources. */
  readonly text: string
  readonly sources: readonly Source[]
  /** Whether the documents say anything about it. */
  readonly found: boolean
}

/** What is told while an answer is made; of one that is there at once, nothing. */
export interface Listener {
  sources(sources: readonly Source[]): void
  delta(text: string): void
}

/** Makes answers; a listener hears of them as they come, and the signal stops them. */
export interface Answerer {
  /** Shown at start and in the page. */
  readonly name: string
  answer(standalone: string, listener?: Listener, signal?: AbortSignal): Promise<Answer>
}

/** Below this share of the question's words a passage is about something else. */
const leastCoverage = 0.5
const mostSources = 3

/** Answers with the documents' own words: the sentences, rows and code that fit best. */
export function extractiveAnswerer(library: Library): Answerer {
  return {
    name: 'extractive (no model configured)',
    answer: async (standalone) => extract(library, read(standalone)),
  }
}

/** The passages to cite for a question, numbered. */
export function sourcesOf(passages: readonly Passage[]): Source[] {
  return passages.map(({ id, file, anchor, trail, blocks }, index) => ({
    number: index + 1,
    id,
    file,
    anchor,
    trail,
    text: blocks.map(sourceOf).join('\n\n'),
  }))
}

/** Puts an answer together from what the documents say; says so when they say nothing. */
export function extract(library: Library, question: Question): Answer {
  const hits = library.search(question)
  const fitting = hits.filter((hit) => hit.coverage >= leastCoverage)
  const terms = library.terms(question)
  const missing = [...terms.keys()].filter((term) => !library.knows(term))
  const best = fitting[0]
  if (best === undefined) return nothing(question, hits, missing)

  const chosen = choose(fitting, best)
  const excerpts = chosen.map(({ passage }, index) =>
    excerptOf(passage, {
      terms,
      question: question.text,
      weight: library.weight,
      brief: index > 0,
    }),
  )
  const seen = new Set<string>()
  const kept = chosen.filter((_, index) => {
    const text = excerpts[index]?.text ?? ''
    const worthwhile = index === 0 || (excerpts[index]?.coverage ?? 0) >= leastCoverage
    if (text === '' || seen.has(text) || !worthwhile) return false
    seen.add(text)
    return true
  })
  const parts = [...seen].map((text, index) => cite(text, index + 1, kept[index]?.passage))
  const sources = sourcesOf(kept.map(({ passage }) => passage))
  return { text: [...caveat(question, missing), ...parts].join('\n\n'), sources, found: true }
}

// What scores much less than the best passage is there by accident.
function choose(fitting: readonly Hit[], best: Hit): Hit[] {
  const least = best.score * (best.exact ? 0.8 : 0.55)
  return fitting.filter((hit) => hit.score >= least).slice(0, mostSources)
}

function cite(text: string, number: number, passage: Passage | undefined): string {
  const [first = '', ...rest] = text.split('\n\n')
  if (/^(?:[-*+] |\d+[.)] |\||```|~~~)/u.test(first))
    return `**${passage?.trail.slice(-2).join(' › ') ?? ''}** [${number}]\n\n${text}`
  return [`${first} [${number}]`, ...rest].join('\n\n')
}

function caveat(question: Question, missing: readonly string[]): string[] {
  const words = named(question, missing)
  return words === '' ? [] : [`These documents do not mention ${words}. The closest they say:`]
}

function nothing(question: Question, hits: readonly Hit[], missing: readonly string[]): Answer {
  const words = named(question, missing) || 'that'
  const near = hits.slice(0, mostSources).map(({ passage }) => passage)
  const sections = near.map(({ heading }, index) => `“${heading}” [${index + 1}]`)
  const closest = sections.length === 0 ? '' : ` The closest sections: ${sections.join(', ')}.`
  const text = `I found nothing about ${words} in these documents.${closest}`
  return { text, sources: sourcesOf(near), found: false }
}

// The words as they were asked for, where nothing that may stand for them is known.
function named({ text, about }: Question, missing: readonly string[]): string {
  const words = contentWords(`${text} ${about}`).filter((word) => {
    const term = stem(word)
    return missing.includes(term) && related(term).length === 0
  })
  return words
    .slice(0, 3)
    .map((word) => `“${word}”`)
    .join(', ')
}

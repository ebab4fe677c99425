import type { Library } from './library.ts'
import type { Question } from './question.ts'
import { actionsOf, contentTerms, contentWords, isAttribute } from './terms.ts'

/** A turn that was answered: what was asked, and the heading the answer came from. */
export interface PastTurn {
  readonly text: string
  readonly heading: string | undefined
}

/** A turn as a question that can be understood alone. */
export interface Condensed {
  readonly question: Question
  /** How many turns before it were needed to understand it. */
  readonly turnsUsed: number
}

// `One` and `that` only where they stand alone: not in `one request`, not in `users that leave`.
const pronoun =
  /\b(?:it|its|itself|this|these|those|they|them|their|theirs|ones|one(?=\s*[?.!,]|\s+(?:is|does|has)\b|\s*$)|(?<!\b(?!does)\p{L}{3,}s\s)that)\b/iu
const connective = /^(?:and|but|or|also|then|otherwise|what about|how about|what if|same|only)\b/iu
const trailing = /\b(?:too|as well|instead|either|then)\s*[?.!]*$/iu
const swapsSubject =
  /^(?:and|but|or|also|(?:and |but )?(?:what|how) about)\b(?!\s+(?:in|on|with|at|by|to)\b)/iu
const mostWords = 8

/** Turns a question and what was said before it into one that stands alone. */
export function condense(text: string, past: readonly PastTurn[], library: Library): Condensed {
  const asked = text.trim().replace(/\s+/gu, ' ')
  let subject: string[] = []
  let depth = 0
  for (const turn of past) {
    const leans = subject.length > 0 && leansOn(turn.text, subject, library)
    const carried = leans ? aboutOf(turn.text, subject, library) : []
    depth = leans ? depth + 1 : 1
    subject = distinct([
      ...carried,
      ...contentWords(turn.text),
      ...subjectWords(turn.heading ?? ''),
    ])
  }
  if (subject.length === 0 || !leansOn(asked, subject, library))
    return { question: { text: asked, about: '' }, turnsUsed: 0 }
  const own = new Set(contentTerms(asked))
  const about = aboutOf(asked, subject, library).filter((word) =>
    contentTerms(word).some((term) => !own.has(term)),
  )
  return { question: { text: asked, about: about.slice(0, mostWords).join(' ') }, turnsUsed: depth }
}

/** Whether a question needs the turn before it to be understood. */
function leansOn(text: string, subject: readonly string[], library: Library): boolean {
  if (pointsBack(text) || connective.test(text.trim()) || trailing.test(text)) return true
  const terms = contentTerms(text)
  const actions = actionsOf(text)
  if (terms.every((term) => isAttribute(term) || actions.has(term))) return !library.titled(terms)
  return terms.some((term) => library.knows(term)) && subjectHelps(text, subject, library)
}

// `How do I install it?` points to an earlier turn; `Does the cache wait, and does it block?` does not.
function pointsBack(text: string): boolean {
  const found = pronoun.exec(text)
  if (found === null) return false
  const clauses = text.slice(0, found.index).split(/[,;.]|\b(?:and|but|or|if|when|so|because)\b/iu)
  const earlier = clauses.slice(0, -1).join(' ')
  return contentTerms(earlier).filter((term) => !isAttribute(term)).length === 0
}

// Nothing fits the question alone, something fits it with the subject.
function subjectHelps(text: string, subject: readonly string[], library: Library): boolean {
  const alone = library.search({ text, about: '' }, 1)[0]?.coverage ?? 0
  if (alone >= 0.5) return false
  return (library.search({ text, about: subject.join(' ') }, 1)[0]?.coverage ?? 0) > alone + 0.1
}

// `And for uploads?` asks the same of another subject: only what was asked is carried over.
// `How long is it kept?` asks something else of the same subject: what was asked before is dropped.
function aboutOf(text: string, subject: readonly string[], library: Library): readonly string[] {
  const asked = subject.filter((word) => contentTerms(word).every(isAttribute))
  const terms = contentTerms(text)
  const named = terms.some((term) => !isAttribute(term) && library.knows(term))
  const swaps = named && swapsSubject.test(text.trim()) && !pronoun.test(text)
  if (swaps && asked.length > 0 && !terms.some(isAttribute)) return asked
  if (swaps || terms.length === 0 || asked.length === subject.length) return subject
  return subject.filter((word) => !asked.includes(word))
}

function subjectWords(text: string): string[] {
  return contentWords(text).filter((word) => !contentTerms(word).every(isAttribute))
}

function distinct(words: readonly string[]): string[] {
  const seen = new Set<string>()
  return words.filter((word) => {
    const fresh = contentTerms(word).filter((term) => !seen.has(term))
    for (const term of fresh) seen.add(term)
    return fresh.length > 0
  })
}

import { stem } from './stem.ts'

const words = /[\p{L}\p{N}_]+(?:[.\-'’][\p{L}\p{N}_]+)*/gu

/** Words that say nothing about a subject: never searched for. */
const stopWords = new Set(
  `a about all also am an and any are as at be because been between but by can could did do does doing done
  either else ever every explain for from further get gets give given go goes going got had has have
  having he her here hers him his how i if in instead into is isn it its itself just know let like look
  many may me mean might mine more most much must my need no nor not now of on one only or other our out over
  own please possible really s same say says see shall she should show so some such t tell than thank
  thanks that the their them then there these they thing things this those to too under up us use used
  using very via want was way we well were what when where whether which who whom whose why will with
  without work works would you your docs documentation document documents mention mentions
  happen happens don doesn didn won ok okay yes`.split(/\s+/),
)

/**
 * What is asked of a subject. A question of such words alone names no subject, and a document need
 * not have them to answer it.
 */
const attributeWords = `default value long many much big large small change turn off on set enable disable option setting
  example maximum minimum max min size number type name cost fast slow often unit allowed increase
  raise lower reduce remove delete differ required optional code syntax format test debug fail error
  install configure run start stop reset renew expire expires lifetime duration time seconds minutes
  hours range order meaning purpose reason difference happen short higher bigger longer list show
  first last next previous second third detail details full whole complete`

const attributes = new Set(attributeWords.split(/\s+/).map(stem))

/** Whether a stem only says what is asked of a subject: `default`, `how long`, `turn off`. */
export function isAttribute(term: string): boolean {
  return attributes.has(term)
}

/** Words that people use for what a manual calls something else, as stems. */
const synonyms: Readonly<Record<string, readonly string[]>> = {
  off: ['disable', 'false'],
  disable: ['off', 'false'],
  enable: ['true'],
  cache: ['store'],
  guest: ['visitor'],
  header: ['field'],
  remove: ['delete'],
  delete: ['remove'],
  erase: ['delete'],
  install: ['npm'],
  long: ['ttl', 'seconds'],
  expire: ['ttl'],
  live: ['ttl'],
  maximum: ['max', 'longest', 'largest'],
  maximal: ['max'],
  max: ['maximum', 'longest', 'largest'],
  minimum: ['min'],
  throttle: ['limit'],
  crash: ['down', 'unavailable'],
  down: ['unavailable', 'away'],
  env: ['environment'],
  environment: ['env'],
  auth: ['authentication'],
  authentication: ['auth'],
  licence: ['license'],
  upgrade: ['update', 'migrate'],
  directory: ['folder'],
  folder: ['directory'],
}

const synonymsByStem = new Map(
  Object.entries(synonyms).map(([word, others]) => [stem(word), others.map(stem)]),
)

/** The stems a text is found by. A compound such as `rateLimit` gives itself and its parts. */
export function tokenize(text: string): string[] {
  const found: string[] = []
  for (const [word] of text.matchAll(words)) {
    const parts = partsOf(word)
    found.push(...parts.map(stem))
    if (parts.length > 1) found.push(parts.join(''))
  }
  return found
}

/** The stems a question asks for: each once, without the words that carry no subject. */
export function contentTerms(text: string): string[] {
  const found = new Set<string>()
  for (const [word] of text.matchAll(words)) {
    for (const part of partsOf(word)) if (!stopWords.has(part)) found.add(stem(part))
  }
  return [...found]
}

/** The compounds a question names, whole: `sessionttl` for `SESSION_TTL` and `sessionTtl`. */
export function compoundsOf(text: string): string[] {
  return [...text.matchAll(words)]
    .map(([word]) => partsOf(word))
    .filter((parts) => parts.length > 1)
    .map((parts) => parts.join(''))
}

/** The words of a text that carry its subject, as they were written, each stem once. */
export function contentWords(text: string): string[] {
  const seen = new Set<string>()
  return [...text.matchAll(words)]
    .map(([word]) => word)
    .filter((word) => {
      const fresh = contentTerms(word).filter((term) => !seen.has(term))
      for (const term of fresh) seen.add(term)
      return fresh.length > 0
    })
}

/** What somebody wants to do, as stems: `bring` of `Can I bring my own client?`. */
export function actionsOf(text: string): ReadonlySet<string> {
  const after = text.matchAll(/\b(?:i|we|you|to)\s+(?:not\s+)?(\p{L}+)/giu)
  return new Set([...after].flatMap(([, word = '']) => contentTerms(word)))
}

/** Other stems that may stand for this one in a manual. */
export function related(term: string): readonly string[] {
  return synonymsByStem.get(term) ?? []
}

function partsOf(word: string): string[] {
  return word
    .replace(/['’](?:s|t|re|ll|ve|d|m)$/iu, '')
    .replace(/(\p{Ll}|\p{N})(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((part) => part !== '')
}

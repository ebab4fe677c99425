import { linesOf, type RequestHeaders } from './fields.ts'

/**
 * Directives by lower-case name, with each value they were given: `undefined` for a directive
 * without a value, `malformed` for one that is no value.
 */
export type Directives = ReadonlyMap<string, readonly (string | undefined)[]>

/** Stands for a value that RFC 9111 has no syntax for. */
const malformed = '\0'

// RFC 9111 section 1.2.2: a number that is too large is 2^31.
const mostSeconds = 2_147_483_648
const directive = /^([!#$%&'*+\-.^_`|~\w]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+\-.^_`|~\w]+)))?$/
const leadingName = /^[!#$%&'*+\-.^_`|~\w]+/
const word = /[!#$%&'*+\-.^_`|~\w]+/g
const forbidding = new Set(['no-store', 'private', 'no-cache'])

const none: Directives = new Map()

/** Reads `Cache-Control` (RFC 9111 section 5.2). What it cannot read never makes anything fresh. */
export function cacheControl(headers: RequestHeaders): Directives {
  const lines = linesOf(headers, 'cache-control')
  if (lines.length === 0) return none
  const read = new Map<string, readonly (string | undefined)[]>()
  for (const part of lines.flatMap(split)) {
    const match = directive.exec(part)
    const value = match ? (match[2]?.replace(/\\(.)/g, '$1') ?? match[3]) : malformed
    for (const name of match?.[1] ? [match[1].toLowerCase()] : namesIn(part))
      read.set(name, [...(read.get(name) ?? []), value])
  }
  return read
}

/**
 * What a part that is no directive may mean: the name it begins with, and each word in it that
 * forbids. Whoever forgot a comma in `public no-store` did not mean `public`.
 */
function namesIn(part: string): Set<string> {
  const words = part.toLowerCase().match(word) ?? []
  const first = leadingName.exec(part.toLowerCase())?.[0]
  return new Set([...(first ? [first] : []), ...words.filter((each) => forbidding.has(each))])
}

/** Splits at commas outside quotes. Semicolons too: a misspelt `max-age=9; no-store` is obeyed. */
function split(line: string): string[] {
  const parts: string[] = []
  let start = 0
  let quoted = false
  for (let at = 0; at <= line.length; at++) {
    const character = line[at]
    if (quoted && character === '\\') at++
    else if (character === '"') quoted = !quoted
    else if (character === undefined || (!quoted && (character === ',' || character === ';'))) {
      parts.push(line.slice(start, at).trim())
      start = at + 1
    }
  }
  return parts
}

/**
 * The seconds of a directive; `undefined` where it is absent. A value that is no number, and values
 * that contradict each other, are 0: stale (RFC 9111 section 4.2.1).
 */
export function secondsOf(directives: Directives, name: string): number | undefined {
  const values = directives.get(name)
  if (values === undefined) return undefined
  const [first] = values
  if (first === undefined || !/^\d+$/.test(first)) return 0
  return values.every((value) => value === first) ? Math.min(Number(first), mostSeconds) : 0
}

/** Whether a directive stands there without naming fields, and so means the whole response. */
export function isBare(directives: Directives, name: string): boolean {
  return directives.get(name)?.some((value) => value === undefined || value === malformed) ?? false
}

/** The fields that a directive such as `no-cache="a, b"` names. */
export function namedFields(directives: Directives, name: string): string[] {
  return (directives.get(name) ?? [])
    .flatMap((value) => value?.split(',') ?? [])
    .map((field) => field.trim().toLowerCase())
    .filter((field) => field !== '' && field !== malformed)
}

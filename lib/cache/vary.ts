import { digest } from '../keys.ts'
import { type Fields, lineOf, type RequestHeaders, token, tokensOf } from './fields.ts'

const mostNames = 16

/**
 * The request fields a response varies by, sorted; `undefined` where no later request can be known
 * to match: `*`, what is no field name, or more names than anybody needs.
 */
export function varyNames(fields: Fields): readonly string[] | undefined {
  const names = new Set(tokensOf(fields, 'vary'))
  const known = [...names].every((name) => name !== '*' && token.test(name))
  return known && names.size <= mostNames ? [...names].sort() : undefined
}

/**
 * What a resource varies by, once one more response has come: a response that forgets to say so does
 * not hide the variants before it (RFC 9111 section 4.1).
 */
export function learn(known: readonly string[], names: readonly string[]): readonly string[] {
  const all = [...new Set([...known, ...names])].sort()
  return all.length <= mostNames ? all : names
}

/** Whether two lists hold the same names. */
export function sameNames(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name, at) => name === other[at])
}

/** Names the variant that answers this request; `''` where nothing varies. */
export function variantOf(names: readonly string[], headers: RequestHeaders): string {
  if (names.length === 0) return ''
  return digest(names.flatMap((name) => [name, normalised(name, lineOf(headers, name))]))
}

/** One `Vary` of two: what outer middlewares said stays. */
export function mergeVary(
  outer: string | undefined,
  stored: string | undefined,
): string | undefined {
  if (outer === undefined || stored === undefined) return outer ?? stored
  const names = new Map<string, string>()
  for (const name of `${outer},${stored}`.split(',').map((each) => each.trim())) {
    if (name !== '' && !names.has(name.toLowerCase())) names.set(name.toLowerCase(), name)
  }
  return [...names.values()].join(', ')
}

const lists = new Set(['accept', 'accept-charset', 'accept-encoding', 'accept-language'])

/**
 * Absent and empty differ: the first character says which. Lists lose the white space that their
 * syntax gives no meaning; their members stay in the client's order, by which many servers choose
 * before they look at weights. What another field means nobody here knows: it stays as it is.
 */
function normalised(name: string, value: string | undefined): string {
  if (value === undefined) return '-'
  // White space inside quotes may mean something.
  if (!lists.has(name) || value.includes('"')) return `=${value.trim()}`
  return `=${trimmed(value, ',', (member) => trimmed(member, ';', (part) => part))}`
}

function trimmed(list: string, separator: string, each: (member: string) => string): string {
  const members = list.split(separator).map((member) => each(member.trim()))
  return members.join(separator)
}

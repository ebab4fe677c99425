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

const weighted = new Set(['accept', 'accept-charset', 'accept-encoding', 'accept-language'])

/** Absent and empty differ: the first character says which. */
function normalised(name: string, value: string | undefined): string {
  if (value === undefined) return '-'
  // White space inside quotes may mean something.
  if (value.includes('"')) return `=${value.trim()}`
  const members = value.split(',').map((member) => member.trim())
  return `=${(weighted.has(name) ? byWeight(members) : members).join(',')}`
}

interface Weighed {
  readonly text: string
  readonly q: number
}

/**
 * The same preferences in one order: heavier first, equal ones as they came, since servers break
 * ties by order. Members refused with `q=0` stay: negotiator drops them, and two different requests
 * would then read alike.
 */
function byWeight(members: readonly string[]): readonly string[] {
  const weighed: Weighed[] = []
  for (const member of members.filter((each) => each !== '')) {
    const read = weigh(member)
    if (read === undefined) return members
    weighed.push(read)
  }
  return weighed.sort((one, other) => other.q - one.q).map(({ text }) => text)
}

function weigh(member: string): Weighed | undefined {
  let q = 1
  const parts: string[] = []
  for (const part of member.split(';').map((each) => each.trim())) {
    const weight = /^q\s*=\s*(.*)$/i.exec(part)?.[1]
    if (weight === undefined) parts.push(part)
    else if (!/^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(weight)) return undefined
    else {
      q = Number(weight)
      if (q !== 1) parts.push(`q=${q}`)
    }
  }
  return { text: parts.join(';'), q }
}

import { StoreError } from '../../errors.ts'
import type { Entry, RoleLetter, SessionMeta, Summary, TurnRecord } from '../../ports/history.ts'

/** Fields of a session's HASH, as `parseMeta` takes their values. */
export const metaFields = [
  'rev',
  'seq',
  'len',
  'tokens',
  'created',
  'updated',
  'title',
  'system',
  'seal',
  'pinned',
  'meta',
  'summary',
  'turns',
  'ended',
] as const

/**
 * Reads the values of `metaFields`, the last of which may lack; `undefined` where there is no session.
 *
 * @throws StoreError `corrupt` when the session was written under another key, or not by this package.
 */
export function parseMeta(values: unknown, seal?: string): SessionMeta | undefined {
  const [rev, seq, length, tokens, created, updated, title, system, sealed, ...more] =
    values as (Buffer | null)[]
  const [pinned, meta, summary, turns, ended] = more
  if (!rev) return undefined
  if (seal !== undefined && String(sealed) !== seal)
    throw corrupt('The session belongs to another key')
  return {
    rev: whole(rev),
    seq: whole(seq),
    length: whole(length),
    tokens: whole(tokens),
    createdAt: whole(created),
    updatedAt: whole(updated),
    title: title ?? undefined,
    system: system ? parseEntry(system) : undefined,
    pinned: pinned?.toString() === '1',
    meta: meta ?? undefined,
    summary: summary ? parseSummary(summary) : undefined,
    // Not a getter: each object with one of its own is of a new hidden class, which lives until the
    // old generation is collected, and all that its getter can reach with it.
    turns: ended ? [...parseTurns(ended), ...parseTurns(turns)] : parseTurns(turns),
  }
}

/** Splits `through|payload`. */
function parseSummary(bytes: Buffer): Summary {
  const end = bytes.indexOf(bar)
  if (end < 0) throw corrupt('A stored summary has no header')
  return { through: whole(bytes.subarray(0, end)), payload: bytes.subarray(end + 1) }
}

/** A whole number as scripts write it: what `Number` makes of other text would pass for right. */
function whole(bytes: Buffer | null | undefined): number {
  const number = bytes ? digits(bytes, 0, bytes.length, 16) : undefined
  if (number === undefined || number > Number.MAX_SAFE_INTEGER)
    throw corrupt('What is stored of a session is no number')
  return number
}

/** What so many digits at most stand for; `undefined` for none, or for anything else. */
function digits(bytes: Buffer, from: number, to: number, most: number): number | undefined {
  if (to <= from || to - from > most) return undefined
  let number = 0
  for (let at = from; at < to; at += 1) {
    const digit = (bytes[at] ?? 0) - zero
    if (digit < 0 || digit > 9) return undefined
    number = number * 10 + digit
  }
  return number
}

/**
 * Reads turns: a line each, `turn token runner state until`. Others are none, as scripts see it. The
 * runner of a turn that has ended is `-`, or `+` where it has pieces.
 */
export function parseTurns(bytes: Buffer | string | null | undefined): TurnRecord[] {
  const lines = bytes ? bytes.toString().split('\n') : []
  return lines.flatMap((line) => {
    const [, turn, token, answering, state, until] = turnLine.exec(line) ?? []
    if (turn === undefined || token === undefined || answering === undefined) return []
    const runner = state === 'ended' ? '' : answering
    return { turn, token, runner, state: state as TurnRecord['state'], until: Number(until) }
  })
}

const turnLine = /^(\S+) (\S+) (\S+) (running|stopping|ended) (\d{1,16})$/

/**
 * Splits `seq|id|role|tokens|payload`; the payload may hold any byte.
 *
 * @throws StoreError `corrupt` for bytes without these parts.
 */
export function parseEntry(bytes: Buffer): Entry {
  // Text is looked through faster than bytes, and nearly every header is this short.
  const entry = entryIn(bytes, bytes.toString('latin1', 0, usualHeader))
  if (entry) return entry
  const long = entryIn(bytes, bytes.toString('latin1', 0, longestHeader))
  if (long) return long
  throw corrupt('A stored message has no header')
}

const usualHeader = 64
// Two numbers of 15 digits, an id of 400 characters, a letter, and what stands between.
const longestHeader = 435

/** The entry whose header stands in this text of the same bytes, a character each. */
function entryIn(bytes: Buffer, text: string): Entry | undefined {
  const first = text.indexOf('|')
  const second = text.indexOf('|', first + 1)
  // A role is one letter.
  const last = text.indexOf('|', second + 3)
  if (first < 0 || second < 0 || last < 0 || bytes[second + 2] !== bar) return undefined
  const seq = digits(bytes, 0, first, 15)
  const id = text.slice(first + 1, second)
  const role = roles.get(bytes[second + 1])
  const tokens = digits(bytes, second + 3, last, 15)
  if (seq === undefined || role === undefined || tokens === undefined || !entryId.test(id))
    throw corrupt('A stored message has another header')
  return { seq, id, role, tokens, payload: bytes.subarray(last + 1) }
}

const entryId = /^[\w.@%~-]{1,400}$/

const roles: ReadonlyMap<number | undefined, RoleLetter> = new Map(
  (['s', 'd', 'u', 'a', 't'] as const).map((letter) => [letter.charCodeAt(0), letter]),
)

const bar = '|'.charCodeAt(0)
const zero = '0'.charCodeAt(0)

function corrupt(problem: string): StoreError {
  return new StoreError('read', 'corrupt', { cause: new Error(problem) })
}

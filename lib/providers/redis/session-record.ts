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
] as const

/**
 * Reads the values of `metaFields`; `undefined` where there is no session.
 *
 * @throws StoreError `corrupt` when the session was written under another key, or not by this package.
 */
export function parseMeta(values: unknown, seal?: string): SessionMeta | undefined {
  const [rev, seq, length, tokens, created, updated, title, system, sealed, ...more] =
    values as (Buffer | null)[]
  const [pinned, meta, summary, turns] = more
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
    turns: parseTurns(turns),
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
  const text = bytes?.toString('latin1') ?? ''
  const number = Number(text)
  if (!/^\d{1,16}$/.test(text) || number > Number.MAX_SAFE_INTEGER)
    throw corrupt('What is stored of a session is no number')
  return number
}

/** Reads turns: a line each, `turn token runner state until`. Others are none, as scripts see it. */
export function parseTurns(bytes: Buffer | string | null | undefined): TurnRecord[] {
  const lines = bytes ? bytes.toString().split('\n') : []
  return lines.flatMap((line) => {
    const [, turn, token, runner, state, until] = turnLine.exec(line) ?? []
    if (turn === undefined || token === undefined || runner === undefined) return []
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
  let end = -1
  for (let bars = 0; bars < 4; bars += 1) {
    end = bytes.indexOf(bar, end + 1)
    if (end < 0) throw corrupt('A stored message has no header')
  }
  const [, seq, id, role, tokens] = entryHead.exec(bytes.toString('latin1', 0, end)) ?? []
  if (id === undefined) throw corrupt('A stored message has another header')
  return {
    seq: Number(seq),
    id,
    role: role as RoleLetter,
    tokens: Number(tokens),
    payload: bytes.subarray(end + 1),
  }
}

const entryHead = /^(\d{1,15})\|([\w.@%~-]{1,400})\|([sduat])\|(\d{1,15})$/

const bar = '|'.charCodeAt(0)

function corrupt(problem: string): StoreError {
  return new StoreError('read', 'corrupt', { cause: new Error(problem) })
}

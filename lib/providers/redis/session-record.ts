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
 * @throws StoreError `corrupt` when the session was written under another key.
 */
export function parseMeta(values: unknown, seal?: string): SessionMeta | undefined {
  const [rev, seq, length, tokens, created, updated, title, system, sealed, ...more] =
    values as (Buffer | null)[]
  const [pinned, meta, summary, turns] = more
  if (!rev) return undefined
  if (seal !== undefined && String(sealed) !== seal)
    throw corrupt('The session belongs to another key')
  return {
    rev: Number(rev),
    seq: Number(seq),
    length: Number(length),
    tokens: Number(tokens),
    createdAt: Number(created),
    updatedAt: Number(updated),
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
  return { through: Number(bytes.toString('latin1', 0, end)), payload: bytes.subarray(end + 1) }
}

/** Reads turns: a line each, `turn token runner state until`. */
export function parseTurns(bytes: Buffer | string | null | undefined): TurnRecord[] {
  const lines = bytes ? bytes.toString().split('\n') : []
  return lines.map((line) => {
    const [turn = '', token = '', runner = '', state, until] = line.split(' ')
    return { turn, token, runner, state: state as TurnRecord['state'], until: Number(until) }
  })
}

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
  const [seq, id = '', role, tokens] = bytes.toString('latin1', 0, end).split('|')
  return {
    seq: Number(seq),
    id,
    role: role as RoleLetter,
    tokens: Number(tokens),
    payload: bytes.subarray(end + 1),
  }
}

const bar = '|'.charCodeAt(0)

function corrupt(problem: string): StoreError {
  return new StoreError('read', 'corrupt', { cause: new Error(problem) })
}

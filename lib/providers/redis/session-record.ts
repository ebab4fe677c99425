import { StoreError } from '../../errors.ts'
import type { Entry, RoleLetter, SessionMeta } from '../../ports/history.ts'

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
] as const

/**
 * Reads the values of `metaFields`; `undefined` where there is no session.
 *
 * @throws StoreError `corrupt` when the session was written under another key.
 */
export function parseMeta(values: unknown, seal?: string): SessionMeta | undefined {
  const [rev, seq, length, tokens, created, updated, title, system, sealed] =
    values as (Buffer | null)[]
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
  }
}

/**
 * Splits `seq|id|role|tokens|payload`; the payload may hold any byte.
 *
 * @throws StoreError `corrupt` for bytes without these parts.
 */
export function parseEntry(bytes: Buffer): Entry {
  const parts: string[] = []
  let from = 0
  while (parts.length < 4) {
    const bar = bytes.indexOf('|', from)
    if (bar < 0) throw corrupt('A stored message has no header')
    parts.push(bytes.toString('latin1', from, bar))
    from = bar + 1
  }
  const [seq, id = '', role, tokens] = parts
  return {
    seq: Number(seq),
    id,
    role: role as RoleLetter,
    tokens: Number(tokens),
    payload: bytes.subarray(from),
  }
}

function corrupt(problem: string): StoreError {
  return new StoreError('read', 'corrupt', { cause: new Error(problem) })
}

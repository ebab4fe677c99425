import { StoreError } from '../../errors.ts'
import { listKey, type SessionKeys, stateKey } from '../../keys.ts'
import type { AppendBounds, Entry, NewEntry, ReadResult } from '../../ports/history.ts'
import { redacted } from '../../redact.ts'
import type { WriteBounds, WriteKeys } from './scripts/append.ts'
import { metaFields, parseEntry, parseMeta } from './session-record.ts'
import type { Step } from './together.ts'

/** The keys that a script needs which writes to a session. */
export function writeKeys(keys: SessionKeys): WriteKeys {
  return [keys.session, listKey(keys), keys.index, stateKey(keys), keys.gone]
}

/** The keys that are kept for as long as a session. */
export function renewKeys(
  keys: SessionKeys,
): [session: string, list: string, state: string, index: string] {
  return [keys.session, listKey(keys), stateKey(keys), keys.index]
}

/** The arguments that such a script begins with. */
export function writeBounds(
  { seal, id }: SessionKeys,
  { ttlMs = 0, max, keep, title }: AppendBounds,
): WriteBounds {
  return [ttlMs, max, keep, seal, id, title ? redacted(title) : '']
}

/** A message as such a script takes it: as it is stored, `id|role|tokens|payload`, but for its position. */
export function wire({ id, role, tokens, payload }: NewEntry): Buffer {
  return redacted(payload, `${id}|${role}|${tokens}|`)
}

/** Reads a session, and its messages at these places of the list. */
export function readSteps(keys: SessionKeys, places: readonly [number, number]): Step[] {
  return [['hmgetBuffer', keys.session, ...metaFields], messagesStep(keys, places)]
}

/** Reads the messages of a session at these places of the list. */
export function messagesStep(keys: SessionKeys, places: readonly [number, number]): Step {
  return ['lrangeBuffer', listKey(keys), ...places]
}

/** What these steps found. @throws StoreError `corrupt` for a session written under another key. */
export function readResult([values, lines]: readonly unknown[], { seal }: SessionKeys): ReadResult {
  const meta = parseMeta(values, seal)
  return { meta, entries: meta === undefined ? [] : inOrder((lines as Buffer[]).map(parseEntry)) }
}

/** A list is written and cut as a whole: what has a gap has lost messages, or holds others' among them. */
function inOrder(entries: readonly Entry[]): readonly Entry[] {
  const [first] = entries
  if (first === undefined || entries.every(({ seq }, at) => seq === first.seq + at)) return entries
  const cause = new Error('Stored messages do not follow each other')
  throw new StoreError('read', 'corrupt', { cause })
}

/** Places in a list where nothing stands. */
export const nowhere = [1, 0] as const

/** Places of the newest messages: counted from the end of the list, 0 of them would be all. */
export function newest(limit: number): readonly [number, number] {
  return limit === 0 ? nowhere : [-limit, -1]
}

import type { FieldBounds, FieldKeys, Fields } from '../../ports/fields.ts'
import { type Conversations, endOf } from './conversations.ts'
import { type Packed, pack, unpack } from './packed.ts'
import { emptySession, type SessionCell } from './session.ts'
import type { FieldsCell } from './session-shelf.ts'

type Values = ReadonlyMap<string, Packed>

/** Named values: a cell for all of a session's state, one for all that a user prefers. */
export function embeddedFields({ sessions, keyspace, tombs }: Conversations): Fields {
  const { now } = keyspace

  /** The session that a state belongs to, as active as now; made where a value is to be set. */
  function active({ session: keys }: FieldKeys, sets: boolean): SessionCell | undefined {
    const old = keys && sessions.open('write', keys)?.cell
    if (old) return { ...old, updatedAt: now() }
    return keys && sets ? { ...emptySession(keys, now()), rev: 1 } : undefined
  }

  return {
    async read(keys, names, ttlMs) {
      const held = sessions.openFields('read', keys.fields)
      if (ttlMs !== undefined) {
        const session = keys.session && sessions.open('read', keys.session)?.cell
        if (session) sessions.put('read', session, now() + ttlMs)
        if (held) held.expiresAt = now() + ttlMs
      }
      return found(held?.cell.values ?? none, names)
    },
    async write(keys, changes, { ttlMs, max, expected }) {
      const forgotten = tombs.at(keys.gone)
      if (forgotten) return forgotten
      const sets = [...changes.values()].some((value) => value !== undefined)
      const session = active(keys, sets)
      const before = sessions.openFields('write', keys.fields)?.cell.values ?? none
      if (!isAs(expected, before)) return { kind: 'changed' }
      const after = changed(before, changes)
      if (after.size > max && after.size > before.size) return { kind: 'full' }
      put(keys.fields, session, after, endOf(ttlMs, now()))
      return { kind: 'written' }
    },
  }

  function put(key: string, session: SessionCell | undefined, values: Values, until: number): void {
    const state = values.size > 0 ? fieldsOf(values) : undefined
    if (session) sessions.put('write', session, until, state)
    else if (state) sessions.putFields('write', key, state, until)
    if (state === undefined) sessions.delete(key)
  }
}

const none: Values = new Map()

function found(values: Values, names: Iterable<string> = values.keys()): Map<string, Buffer> {
  const map = new Map<string, Buffer>()
  for (const name of names) {
    const packed = values.get(name)
    if (packed !== undefined) map.set(name, unpack(packed))
  }
  return map
}

function isAs(expected: FieldBounds['expected'], values: Values): boolean {
  return [...expected].every(
    ([name, bytes]) => values.get(name) === (bytes === undefined ? undefined : pack(bytes)),
  )
}

function changed(values: Values, changes: ReadonlyMap<string, Uint8Array | undefined>): Values {
  const after = new Map(values)
  for (const [name, bytes] of changes) {
    if (bytes === undefined) after.delete(name)
    else after.set(name, pack(bytes))
  }
  return after
}

// Map entry and two short texts.
const fieldBytes = 64

function fieldsOf(values: Values): FieldsCell {
  let bytes = 0
  for (const [name, packed] of values) bytes += fieldBytes + name.length + packed.length
  return { kind: 'fields', bytes, values }
}

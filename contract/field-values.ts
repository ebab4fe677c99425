import { ownerKeys, type SessionKeys, stateKey } from '../lib/keys.ts'
import type { FieldBounds, FieldKeys } from '../lib/ports/fields.ts'
import { minuteMs } from './conversation.ts'
import { fresh } from './names.ts'

/** Where the state of a session is kept. */
export function stateOf(keys: SessionKeys): FieldKeys {
  return { fields: stateKey(keys), gone: keys.gone, session: keys }
}

/** Where it is kept what a user prefers; of one nobody else uses, unless one is named. */
export function preferencesOf(owner: string = fresh('owner')): FieldKeys {
  const { preferences: fields, gone } = ownerKeys(owner)
  return { fields, gone, session: undefined }
}

/** A write for a minute that expects nothing, but for what is said otherwise. */
export function fieldBounds(other: Partial<FieldBounds> = {}): FieldBounds {
  return { ttlMs: minuteMs, max: 100, expected: new Map(), ...other }
}

/** Texts by name; `undefined` deletes a field, or says that it is absent. */
export type Changes = Readonly<Record<string, string | undefined>>

/** Fields as the port takes and gives them. */
export function fieldMap(changes: Changes): Map<string, Buffer | undefined> {
  return new Map(
    Object.entries(changes).map(([name, words]) => [
      name,
      words === undefined ? undefined : Buffer.from(words),
    ]),
  )
}

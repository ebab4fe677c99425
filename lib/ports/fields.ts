import type { Call } from '../deadline.ts'
import type { SessionKeys } from '../keys.ts'
import type { Forgotten } from './history.ts'

/** Where named values are kept. */
export interface FieldKeys {
  readonly fields: string
  /** The owner's tombstone: while it is there nothing is written. */
  readonly gone: string
  /** The session they belong to: a value that is set makes it where there is none; a write is activity. */
  readonly session: SessionKeys | undefined
}

/** How a write is bounded. */
export interface FieldBounds {
  /** Renewed by the write, also that of the session; `undefined` keeps them. */
  readonly ttlMs: number | undefined
  /** Above this many fields nothing is written. */
  readonly max: number
  /** Bytes that must stand there still, `undefined` for a field that must be absent. */
  readonly expected: ReadonlyMap<string, Uint8Array | undefined>
}

/** What a write did. `changed`: a field was not as expected. `full`: there would be too many. */
export type FieldsWritten = { readonly kind: 'written' | 'changed' | 'full' } | Forgotten

/** Named values that change one by one: an agent's state, a user's preferences. */
export interface Fields {
  /** These fields, or all; absent ones are left out. A `ttlMs` renews what is there. */
  read(
    keys: FieldKeys,
    names: readonly string[] | undefined,
    ttlMs: number | undefined,
    call?: Call,
  ): Promise<ReadonlyMap<string, Buffer>>
  /** Sets fields, and deletes those that are `undefined`: all or none, in one atomic step. */
  write(
    keys: FieldKeys,
    changes: ReadonlyMap<string, Uint8Array | undefined>,
    bounds: FieldBounds,
    call?: Call,
  ): Promise<FieldsWritten>
}

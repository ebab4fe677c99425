import type { Call } from '../deadline.ts'
import type { SessionKeys } from '../keys.ts'

/** First letter of a message's role: what the store must know to cut between turns. */
export type RoleLetter = 's' | 'd' | 'u' | 'a' | 't'

/** A message to append; the payload is opaque to the store. */
export interface NewEntry {
  /** Encoded; the same id is kept once. */
  readonly id: string
  readonly role: RoleLetter
  readonly tokens: number
  readonly payload: Uint8Array
}

/** A message as it is kept. */
export interface Entry {
  /** Position in the session, from 1; never used again. */
  readonly seq: number
  readonly id: string
  readonly role: RoleLetter
  readonly tokens: number
  readonly payload: Buffer
}

/** What is known of a session without reading its messages. Times are milliseconds since 1970. */
export interface SessionMeta {
  /** Grows with each change. */
  readonly rev: number
  /** Of the newest message. */
  readonly seq: number
  /** How many messages are kept. */
  readonly length: number
  readonly tokens: number
  readonly createdAt: number
  readonly updatedAt: number
  readonly title: Buffer | undefined
  /** The newest system message: kept even when the list has been cut past it. */
  readonly system: Entry | undefined
}

/** How an append is bounded. */
export interface AppendBounds {
  /** Renewed by the append; `undefined` keeps the session until it is deleted. */
  readonly ttlMs: number | undefined
  /** Above this many messages the oldest turns go, down to `keep`. */
  readonly max: number
  readonly keep: number
  /** Append only while the session is at this `rev`. */
  readonly ifRev: number | undefined
  /** Kept when the session has none yet. */
  readonly title: Uint8Array | undefined
}

/** What an append did, or that the session had changed since `ifRev`. */
export type Appended =
  | {
      readonly kind: 'appended'
      readonly rev: number
      readonly seq: number
      readonly added: number
      readonly duplicates: number
      readonly trimmed: number
    }
  | { readonly kind: 'conflict'; readonly rev: number }

/** Which messages to read. */
export interface ReadRange {
  /** At most this many, the newest. */
  readonly limit: number
  /** Only messages before this position. */
  readonly before: number | undefined
  /** Renews the session's time to live; `undefined` leaves it. */
  readonly ttlMs: number | undefined
}

/** A session and a run of its messages, oldest first. `meta` is `undefined` where there is none. */
export interface ReadResult {
  readonly meta: SessionMeta | undefined
  readonly entries: readonly Entry[]
}

/** One line of an owner's index. */
export interface Listed {
  /** Encoded. */
  readonly id: string
  readonly meta: SessionMeta
}

/** Where a listing goes on: after the session with this activity and id. */
export interface ListCursor {
  readonly at: number
  readonly id: string
}

/** Conversations: bounded, ordered, each change one atomic step. */
export interface HistoryLog {
  /** One atomic step and one round trip: dedupe, append, trim at a turn, index, time to live. */
  append(
    keys: SessionKeys,
    entries: readonly NewEntry[],
    bounds: AppendBounds,
    call?: Call,
  ): Promise<Appended>
  /** The end of the session, or a page before `before`. */
  read(keys: SessionKeys, range: ReadRange, call?: Call): Promise<ReadResult>
  /** The owner's sessions, last active first; index lines whose session is gone are dropped. */
  list(
    index: string,
    page: { readonly limit: number; readonly after: ListCursor | undefined },
    call?: Call,
  ): Promise<readonly Listed[]>
  /** True when the session was there. */
  remove(keys: SessionKeys, call?: Call): Promise<boolean>
}

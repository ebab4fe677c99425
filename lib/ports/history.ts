import type { Call } from '../deadline.ts'
import type { OwnerKeys, SessionKeys } from '../keys.ts'

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
  /** Position in the session, from 1. A rewind gives those behind it anew. */
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
  readonly pinned: boolean
  /** What the application keeps with a session. */
  readonly meta: Buffer | undefined
  readonly summary: Summary | undefined
  /** Turns that have lately ended, in the order of their ends; then those that run, oldest first. */
  readonly turns: readonly TurnRecord[]
}

/** Stands for the messages up to a position; these stay where they are. */
export interface Summary {
  readonly through: number
  readonly payload: Buffer
}

/** A turn as its session knows it. */
export interface TurnRecord {
  /** The encoded id of the message that it answers. */
  readonly turn: string
  readonly token: string
  /** Channel of the process that answers; empty once it has ended. */
  readonly runner: string
  /** `stopping`: somebody has asked for its end. */
  readonly state: 'running' | 'stopping' | 'ended'
  /** Until then the answering process is believed to live; of an ended turn, when its pieces go. */
  readonly until: number
}

/** The owner's conversations are being forgotten: nothing is written for five seconds. */
export interface Forgotten {
  readonly kind: 'forgotten'
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
      /** The session was not there before. */
      readonly created: boolean
    }
  | Conflict
  | Forgotten

/** The session was not at the `ifRev` asked for. */
export interface Conflict {
  readonly kind: 'conflict'
  readonly rev: number
}

/** What to change of a session beside its messages: absent members stay, `null` removes. */
export interface Changes {
  readonly title?: Uint8Array | null | undefined
  /** Only where there is no title yet. */
  readonly firstTitle?: Uint8Array | undefined
  readonly meta?: Uint8Array | null | undefined
  readonly pinned?: boolean | undefined
  /** Takes the place of the newest system message; it is not among the messages. */
  readonly system?: NewEntry | null | undefined
  /** Kept only where the summary still reaches to `after` (0: there is none), and its messages are there. */
  readonly summary?:
    | { readonly through: number; readonly after: number; readonly payload: Uint8Array }
    | undefined
}

/** How a change of a session is bounded. */
export interface ChangeBounds {
  /** Renewed by the change; `undefined` keeps the session until it is deleted. */
  readonly ttlMs: number | undefined
  /** Change only while the session is at this `rev`. */
  readonly ifRev: number | undefined
}

/** What a change did. `absent`: there is no such session or message. */
export type Changed =
  | { readonly kind: 'changed'; readonly rev: number }
  | { readonly kind: 'absent' }
  | Conflict
  | Forgotten

/** What a rewind did: `removed` messages went. */
export type Rewound =
  | { readonly kind: 'rewound'; readonly rev: number; readonly removed: number }
  | Exclude<Changed, { readonly kind: 'changed' }>

/** What a fork did. `exists`: its session is there already. */
export type Forked =
  | { readonly kind: 'forked'; readonly rev: number; readonly length: number }
  | { readonly kind: 'absent' | 'exists' }
  | Forgotten

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
  /** Removes a session with all that hangs on it. True when it was there. */
  remove(keys: SessionKeys, call?: Call): Promise<boolean>
  /**
   * Changes title, meta, pin, system message or summary. A session that is not there is made, but for
   * a change of nothing else than its summary or first title: that is `absent`.
   */
  amend(keys: SessionKeys, changes: Changes, bounds: ChangeBounds, call?: Call): Promise<Changed>
  /** Puts another content in the place of the message with the same id; its position stays. */
  update(keys: SessionKeys, entry: NewEntry, bounds: ChangeBounds, call?: Call): Promise<Changed>
  /**
   * Removes a message and all after it; positions behind it are given anew. Turns whose question went
   * are ended and told to stop; a summary that reached beyond goes as well.
   */
  rewind(keys: SessionKeys, id: string, bounds: ChangeBounds, call?: Call): Promise<Rewound>
  /**
   * Copies a session to another of the same owner, up to a message and with it; all where none is
   * named. Title, meta, system message and state go along; turns, pin, and a summary that reaches
   * beyond do not.
   */
  fork(
    keys: SessionKeys,
    to: SessionKeys,
    through: string | undefined,
    ttlMs: number | undefined,
    call?: Call,
  ): Promise<Forked>
  /** Removes the sessions that were not active for longest until `max` are left; pinned ones stay. */
  shrink(owner: OwnerKeys, max: number, call?: Call): Promise<readonly string[]>
  /**
   * Removes all sessions and preferences of an owner; gives the number of sessions. For five seconds
   * after it nothing is written for the owner, so that what is under way brings nothing back.
   */
  forget(owner: OwnerKeys, call?: Call): Promise<number>
}

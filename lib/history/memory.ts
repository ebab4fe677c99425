import type { Context, Forms } from './context.ts'
import type { ConversationTurns } from './conversation-turns.ts'
import type { AnyMessage, StoredMessage } from './message.ts'
import type { SessionChanges } from './session-changes.ts'
import type { SessionInfo } from './session-info.ts'
import type { Page, Sessions } from './sessions.ts'
import type { TypedHash } from './typed-hash.ts'

/** What an append did. */
export interface AppendResult {
  /** Grows with each change of the session. */
  readonly rev: number
  /** Position of the newest message. */
  readonly seq: number
  readonly added: number
  /** Messages whose id was there already: nothing of them is changed. */
  readonly duplicates: number
  /** Oldest messages that went because the session is full. */
  readonly trimmed: number
  /** False: the store has them. True: kept in this process until the store is back; `rev` and `seq` are 0. */
  readonly degraded: boolean
}

/** Which part of a conversation `context()` gives, and in which form. */
export interface ContextRequest<As extends keyof Forms = 'raw'> {
  /** Messages at most. @default that of the mount */
  readonly messages?: number
  /** Tokens at most. @default that of the mount */
  readonly tokens?: number
  /** @default 'raw' */
  readonly as?: As
}

/**
 * One conversation of one user. Methods reject with a `StoreError` (status 503) when the store is
 * away, but for `append`, `history` and `context` where `onStoreError` is `local`.
 */
export interface Memory extends ConversationTurns {
  /** The user's id; `~…` for a guest. */
  readonly user: string
  /** The session's. */
  readonly id: string
  /** Something of this request went on without the store. */
  readonly degraded: boolean
  /**
   * Appends messages of any format, all or none, in one atomic round trip. Any role: hand in only what
   * the server itself decided on.
   *
   * @throws RequestError 400 or 413 for a message that cannot be kept; StoreError 409 `conflict` when
   * the session is not at `ifRev`.
   */
  append(
    messages: AnyMessage | readonly AnyMessage[],
    options?: { ifRev?: number },
  ): Promise<AppendResult>
  /** The newest messages, or those before `before`; oldest first inside a page. @default limit 50 */
  history(options?: { before?: number; limit?: number }): Promise<Page<StoredMessage>>
  /**
   * What to hand to a model: the end of the conversation from the beginning of a turn, in the form in
   * which a provider takes it. @default as 'raw'
   */
  context<As extends keyof Forms = 'raw'>(options?: ContextRequest<As>): Promise<Context<As>>
  /** Another session of the same user. @throws RequestError 400 for an id that cannot name one. */
  open(id: string): Memory
  /** What is known of this session; `undefined` where there is none. */
  info(): Promise<SessionInfo | undefined>
  /**
   * Changes title, meta, system message or pin; `null` removes. A session that is not there is made.
   *
   * @throws RequestError 400 or 413 for what cannot be kept; StoreError 409 `conflict` when the session
   * is not at `ifRev`.
   */
  set(changes: SessionChanges, options?: { ifRev?: number }): Promise<void>
  /**
   * Puts another content in the place of a message; it keeps its id and its place. False where there
   * is no such message.
   *
   * @throws RequestError 400 or 413 for a message that cannot be kept; StoreError 409 `conflict` when
   * the session is not at `ifRev`.
   */
  update(id: string, message: AnyMessage, options?: { ifRev?: number }): Promise<boolean>
  /**
   * Removes a message and all after it, and gives how many that were.
   *
   * @throws RequestError 404 where there is no such message; StoreError 409 `conflict` when the session
   * is not at `ifRev`.
   */
  rewind(id: string, options?: { ifRev?: number }): Promise<number>
  /**
   * Copies this session to a new one, up to a message and with it; all of it where none is named.
   *
   * @throws RequestError 404 where there is no such session or message.
   */
  fork(at?: string): Promise<Memory>
  /** This session as lines of JSON: itself, then its messages, oldest first. */
  export(): AsyncIterable<string>
  /** What an agent keeps with this session, and as long as it. */
  readonly state: TypedHash
  /** What this user prefers, in all sessions. */
  readonly preferences: TypedHash
  /** False when the session was not there. */
  delete(): Promise<boolean>
  /** All conversations of this user. */
  readonly sessions: Sessions
}

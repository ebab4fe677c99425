import { RequestError } from '../errors.ts'
import { decodeId, type SessionKeys, sessionKeys } from '../keys.ts'
import type { ReadResult } from '../ports/history.ts'
import { boundsOf, kept, titleOf } from './bounds.ts'
import type { Codec } from './codec.ts'
import { type Context, contextOf, type Forms, wholeContextOf } from './context.ts'
import { type ConversationTurns, conversationTurns } from './conversation-turns.ts'
import { afterAppend } from './growth.ts'
import { type AnyMessage, type StoredMessage, toEntry, toMessage } from './message.ts'
import { checkRev, conflict, forgotten } from './refusal.ts'
import { runnerOf } from './runner.ts'
import type { MemoryRules, MemoryScope } from './scope.ts'
import type { SessionChanges } from './session-changes.ts'
import type { SessionInfo } from './session-info.ts'
import { type SessionLog, sessionLog } from './session-log.ts'
import { sessionMembers } from './session-members.ts'
import { bounded, type Page, type Sessions, sessionsOf } from './sessions.ts'
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

const longestAppend = 10_000

const forms: Readonly<Record<keyof Forms, true>> = {
  raw: true,
  openai: true,
  'openai-responses': true,
  anthropic: true,
  'ai-sdk': true,
}

/** The conversation `id` of a request's user. */
export function openMemory(rules: MemoryRules, scope: MemoryScope, id: string): Memory {
  const encoded = scope.encodeSession(id)
  const keys = sessionKeys(scope.owner, encoded)
  const log = sessionLog(rules, scope, keys)
  const conversation = { rules, scope, keys, runner: runnerOf(rules.turns) }
  const contextFrom =
    (known: ReadResult | undefined): Memory['context'] =>
    <As extends keyof Forms>(options: ContextRequest<As> = {}) =>
      context(rules, scope.codec, log, options, known)
  const open = (other: string) => openMemory(rules, scope, other)
  return {
    user: scope.user,
    id: decodeId(encoded),
    get degraded() {
      return scope.degraded
    },
    append: async (messages, { ifRev } = {}) =>
      append(
        { rules, codec: scope.codec, keys, log },
        Array.isArray(messages) ? messages : [messages],
        checkRev(ifRev),
      ),
    history: async ({ before, limit = 50 } = {}) => {
      const { meta, entries } = await log.read(bounded('limit', limit), position(before))
      const first = entries[0]?.seq
      const oldest = meta && meta.seq - meta.length + 1
      const more = first !== undefined && oldest !== undefined && first > oldest
      return {
        items: entries.map((entry) => toMessage(entry, scope.codec)),
        next: more ? first : undefined,
      }
    },
    context: contextFrom(undefined),
    ...conversationTurns(conversation, contextFrom),
    open,
    delete: () => log.remove(),
    ...sessionMembers(rules, scope, keys, log, open),
    sessions: sessionsOf(rules, scope),
  }
}

interface Conversation {
  readonly rules: MemoryRules
  readonly codec: Codec
  readonly keys: SessionKeys
  readonly log: SessionLog
}

async function append(
  { rules, codec, keys, log }: Conversation,
  messages: readonly AnyMessage[],
  ifRev: number | undefined,
): Promise<AppendResult> {
  const most = Math.min(kept(rules), longestAppend)
  // More would be trimmed by the append itself, and come again when it is repeated.
  if (messages.length > most)
    throw new RequestError(
      413,
      `An append must be at most ${most} messages, got ${messages.length}`,
    )
  const entries = messages.map((message) => toEntry(message, rules, codec))
  const { result, degraded } = await log.append(
    entries,
    boundsOf(rules, codec, titleOf(messages, entries), ifRev),
  )
  if (result.kind === 'conflict') throw conflict('append', result.rev, ifRev)
  if (result.kind === 'forgotten') throw forgotten('append')
  const { kind: _, created: __, ...appended } = result
  if (!degraded) afterAppend(rules, codec, keys, { ...appended, entries })
  return { ...appended, degraded }
}

async function context<As extends keyof Forms>(
  { maxStored, window, count }: MemoryRules,
  codec: Codec,
  log: SessionLog,
  { messages = window.messages, tokens = window.tokens, as }: ContextRequest<As>,
  known: ReadResult | undefined,
): Promise<Context<As>> {
  const size = { messages: bounded('messages', messages), tokens, count }
  const form = as ?? ('raw' as As)
  if (!Object.hasOwn(forms, form))
    throw new RequestError(400, `as must be one of ${Object.keys(forms).join(', ')}`)
  const read = reaching(known, size.messages) ?? (await log.read(size.messages))
  const found = contextOf(read, codec, size, form)
  // The newest turn is longer than the window; alone it may take twice what is stored.
  return found ?? wholeContextOf(await log.read(2 * maxStored), codec, size, form)
}

/** What was read already, where that is enough for so many messages. */
function reaching(read: ReadResult | undefined, messages: number): ReadResult | undefined {
  if (read === undefined) return undefined
  const { entries, meta } = read
  const all = meta === undefined || entries.length === meta.length
  if (!all && entries.length < messages) return undefined
  return { meta, entries: entries.slice(-messages) }
}

function position(before: number | undefined): number | undefined {
  if (before === undefined || (Number.isSafeInteger(before) && before >= 1)) return before
  throw new RequestError(400, 'before must be what `next` of a page was')
}

import { RequestError, StoreError, UsageError } from '../errors.ts'
import { decodeId, sessionKeys } from '../keys.ts'
import type { ReadResult } from '../ports/history.ts'
import { boundsOf, kept, titleOf } from './bounds.ts'
import type { Codec } from './codec.ts'
import { type Context, contextOf, type Forms, wholeContextOf } from './context.ts'
import { type ConversationTurns, conversationTurns } from './conversation-turns.ts'
import { type AnyMessage, type StoredMessage, toEntry, toMessage } from './message.ts'
import { runnerOf } from './runner.ts'
import type { MemoryRules, MemoryScope } from './scope.ts'
import { type SessionLog, sessionLog } from './session-log.ts'
import { bounded, type Page, type Sessions, sessionsOf } from './sessions.ts'
import type { WindowSize } from './window.ts'

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
  return {
    user: scope.user,
    id: decodeId(encoded),
    get degraded() {
      return scope.degraded
    },
    append: async (messages, { ifRev } = {}) =>
      append(rules, scope.codec, log, Array.isArray(messages) ? messages : [messages], ifRev),
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
    open: (other) => openMemory(rules, scope, other),
    delete: () => log.remove(),
    sessions: sessionsOf(rules, scope),
  }
}

async function append(
  rules: MemoryRules,
  codec: Codec,
  log: SessionLog,
  messages: readonly AnyMessage[],
  ifRev: number | undefined,
): Promise<AppendResult> {
  if (ifRev !== undefined && !(Number.isSafeInteger(ifRev) && ifRev >= 0))
    throw new UsageError(`ifRev must be a rev that an append gave, got ${String(ifRev)}`)
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
  if (result.kind === 'conflict')
    throw new StoreError('append', 'conflict', {
      cause: new Error(`The session is at rev ${result.rev}, not ${ifRev}`),
      outcome: 'not-sent',
    })
  if (result.kind === 'forgotten') throw forgotten('append')
  const { kind: _, created: __, ...appended } = result
  return { ...appended, degraded }
}

/** The error of a write for a user whose conversations are being forgotten. */
export function forgotten(operation: string): StoreError {
  return new StoreError(operation, 'conflict', {
    cause: new Error('The conversations of this user are being forgotten'),
    outcome: 'not-sent',
  })
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
  const read = reaching(known, size) ?? (await log.read(size.messages))
  const found = contextOf(read, codec, size, form)
  // The newest turn is longer than the window; alone it may take twice what is stored.
  return found ?? wholeContextOf(await log.read(2 * maxStored), codec, size, form)
}

/** What was read already, where that is enough for a window of this size. */
function reaching(read: ReadResult | undefined, { messages }: WindowSize): ReadResult | undefined {
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

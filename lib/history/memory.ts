import { RequestError, StoreError, UsageError } from '../errors.ts'
import { decodeId, sessionKeys } from '../keys.ts'
import type { AppendBounds, Entry, ReadResult } from '../ports/history.ts'
import type { Codec } from './codec.ts'
import { type Message, type StoredMessage, textOf, toEntry, toMessage } from './message.ts'
import type { MemoryRules, MemoryScope } from './scope.ts'
import { type SessionLog, sessionLog } from './session-log.ts'
import { bounded, type Page, type Sessions, sessionsOf } from './sessions.ts'
import { cutWindow, type WindowSize } from './window.ts'

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

/** What is handed to a model. */
export interface Context {
  /** Oldest first; begins with a turn, or with the system message. */
  readonly messages: readonly StoredMessage[]
  readonly tokens: number
  readonly rev: number
}

/**
 * One conversation of one user. Methods reject with a `StoreError` (status 503) when the store is
 * away, but for `append`, `history` and `context` where `onStoreError` is `local`.
 */
export interface Memory {
  /** The user's id; `~…` for a guest. */
  readonly user: string
  /** The session's. */
  readonly id: string
  /** Something of this request went on without the store. */
  readonly degraded: boolean
  /**
   * Appends messages, all or none, in one atomic round trip. Any role: hand in only what the server
   * itself decided on.
   *
   * @throws RequestError 400 or 413 for a message that cannot be kept; StoreError 409 `conflict` when
   * the session is not at `ifRev`.
   */
  append(
    messages: Message | readonly Message[],
    options?: { ifRev?: number },
  ): Promise<AppendResult>
  /** The newest messages, or those before `before`; oldest first inside a page. @default limit 50 */
  history(options?: { before?: number; limit?: number }): Promise<Page<StoredMessage>>
  /** What to hand to a model: the end of the conversation from the beginning of a turn. */
  context(options?: { messages?: number; tokens?: number }): Promise<Context>
  /** Another session of the same user. @throws RequestError 400 for an id that cannot name one. */
  open(id: string): Memory
  /** False when the session was not there. */
  delete(): Promise<boolean>
  /** All conversations of this user. */
  readonly sessions: Sessions
}

const longestAppend = 10_000

/** The conversation `id` of a request's user. */
export function openMemory(rules: MemoryRules, scope: MemoryScope, id: string): Memory {
  const encoded = scope.encodeSession(id)
  const log = sessionLog(rules, scope, sessionKeys(scope.owner, encoded))
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
    context: async ({ messages, tokens } = {}) =>
      context(rules, scope.codec, log, {
        messages: bounded('messages', messages ?? rules.window.messages),
        tokens: tokens ?? rules.window.tokens,
      }),
    open: (other) => openMemory(rules, scope, other),
    delete: () => log.remove(),
    sessions: sessionsOf(rules, scope),
  }
}

async function append(
  rules: MemoryRules,
  codec: Codec,
  log: SessionLog,
  messages: readonly Message[],
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
  const { result, degraded } = await log.append(entries, boundsOf(rules, codec, messages, ifRev))
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

async function context(
  { maxStored }: MemoryRules,
  codec: Codec,
  log: SessionLog,
  size: WindowSize,
): Promise<Context> {
  const found = await log.read(size.messages)
  const reserved = found.meta?.system?.tokens ?? 0
  const short = cutWindow(found.entries, size, reserved)
  // The newest turn is longer than the window: it is read whole, up to what is stored.
  const { entries, meta } = short ? { ...found, entries: short } : await wholeTurn()
  const system = meta?.system
  const cut = system !== undefined && entries.every(({ id }) => id !== system.id)
  const all = cut ? [system, ...entries] : entries
  return {
    messages: all.map((entry) => toMessage(entry, codec)),
    tokens: all.reduce((total, { tokens }) => total + tokens, 0),
    rev: meta?.rev ?? 0,
  }

  async function wholeTurn(): Promise<ReadResult> {
    // The newest turn alone may take twice what is stored.
    const everything = await log.read(2 * maxStored)
    const turn = cutWindow(everything.entries, size, reserved)
    return { ...everything, entries: turn ?? withoutTurns(everything.entries, size) }
  }
}

/** A conversation in which no user has spoken has no turn to begin with. */
function withoutTurns(entries: readonly Entry[], { messages }: WindowSize): readonly Entry[] {
  const newest = entries.slice(-messages)
  const start = newest.findIndex(({ role }) => role !== 't')
  return newest.slice(Math.max(0, start))
}

/** Messages that stay when a session is trimmed. */
function kept({ maxStored }: MemoryRules): number {
  return Math.max(1, Math.floor((maxStored * 3) / 4))
}

function boundsOf(
  rules: MemoryRules,
  codec: Codec,
  messages: readonly Message[],
  ifRev: number | undefined,
): AppendBounds {
  const { ttlMs, maxStored, title } = rules
  const first = title ? messages.find(({ role }) => role === 'user') : undefined
  const text = first && textOf(first).replace(/\s+/g, ' ').trim().slice(0, 80).toWellFormed()
  return {
    ttlMs,
    max: maxStored,
    keep: kept(rules),
    ifRev,
    title: text ? codec.encode('~title', text) : undefined,
  }
}

function position(before: number | undefined): number | undefined {
  if (before === undefined || (Number.isSafeInteger(before) && before >= 1)) return before
  throw new RequestError(400, 'before must be what `next` of a page was')
}

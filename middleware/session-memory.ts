import { estimateTokenCount } from 'tokenx'
import { configFromEnv } from '../lib/config.ts'
import { type Duration, toMs } from '../lib/duration.ts'
import { OptionError } from '../lib/errors.ts'
import { codecOf } from '../lib/history/codec.ts'
import { continuationOf } from '../lib/history/continuation.ts'
import { type Memory, openMemory } from '../lib/history/memory.ts'
import { type Message, textOf } from '../lib/history/message.ts'
import type { MemoryRules, MemoryScope, TurnMode } from '../lib/history/scope.ts'
import { decodeId } from '../lib/keys.ts'
import { checkNames, type Names, oneOf, optionalFunction, wholeNumber } from '../lib/options.ts'
import { json, type Serializer } from '../lib/serializer.ts'
import { checkStore, defaultStore, type Store } from '../lib/store.ts'
import type { Core, Exchange } from './exchange.ts'
import { encodeClientId, identify, identifyLate, ownerOf, type UserOf } from './identity.ts'
import type { Identity } from './request-state.ts'
import { requestDeadline, requestState } from './request-state.ts'

/** Options of `sessionMemory()`. */
export interface SessionMemoryOptions<Native> {
  /** Where it is kept. @default the default store */
  readonly store?: Store
  /** Names the signed-in user. @default `user.id`, else `session.userId`, else a guest by cookie */
  readonly user?: UserOf<Native>
  /**
   * Names the conversation; asked when `memory` is used, so route parameters are there.
   * @default the route parameter `sessionId`, else the field X-Session-Id, else `default`
   */
  readonly session?: (native: Native) => string | number | undefined
  /** How long an idle session is kept; reads and writes renew it. `false` keeps it. @default SESSION_TTL, else 3600 */
  readonly ttl?: Duration | false
  /** Messages kept of a session; above it the oldest turns go, down to three quarters. @default the larger of 200 and ten times `context.messages` */
  readonly maxStored?: number
  /** What `memory.context()` hands out. */
  readonly context?: ContextOptions
  /**
   * What `memory.turn()` does while another turn of the conversation runs: wait for it for up to 30
   * seconds (`queue`), answer 409 at once (`reject`), or run beside it (`interleave`).
   * @default 'queue'
   */
  readonly turns?: TurnMode
  /**
   * When the store is away: go on in this process, flagged, and send the messages later (`local`),
   * or reject (`error`).
   * @default 'local'
   */
  readonly onStoreError?: 'local' | 'error'
  /** Bytes of one message as it is stored. @default 65_536 */
  readonly maxMessageBytes?: number
  /** The form of stored messages. @default json */
  readonly serializer?: Serializer
  /** `first-message` titles a session by its first user message. @default 'first-message' */
  readonly title?: 'first-message' | false
}

/** What is handed to the model. */
export interface ContextOptions {
  /** Messages at most; the newest turn stays whole even above it. @default MAX_HISTORY_LENGTH, else 20 */
  readonly messages?: number
  /** Tokens at most. @default no bound */
  readonly tokens?: number
  /** Counts a message's tokens, when it is appended. @default an estimate by tokenx */
  readonly count?: (message: Message) => number
}

const optionNames: Names<SessionMemoryOptions<unknown>> = {
  store: true,
  user: true,
  session: true,
  ttl: true,
  maxStored: true,
  context: true,
  turns: true,
  onStoreError: true,
  maxMessageBytes: true,
  serializer: true,
  title: true,
}

const contextNames: Names<ContextOptions> = { messages: true, tokens: true, count: true }

/** The session memory, knowing no framework. */
export function sessionMemoryCore<Native>(
  options: SessionMemoryOptions<Native>,
): Core<Native, Identity, undefined> {
  checkNames<SessionMemoryOptions<Native>>('sessionMemory', options, optionNames)
  optionalFunction('sessionMemory.user', options.user)
  optionalFunction('sessionMemory.session', options.session)
  if (options.store !== undefined) checkStore('sessionMemory.store', options.store)
  const { store = defaultStore(), user, session } = options
  const rules = rulesOf(store, options)

  return {
    prepare: (exchange) => identify(exchange, user),
    start: () => undefined,
    async finish(exchange, identity) {
      let opened: Memory | undefined
      const scope = lazily(() =>
        scopeOf(exchange, identifyLate(exchange, user, identity), store, rules),
      )
      exchange.attach('memory', () => {
        requestState(exchange.req).memoryUsed = true
        const id = String(session?.(exchange.native) ?? sessionOf(exchange))
        if (opened?.id !== id) opened = openMemory(rules, scope(), id)
        return opened
      })
      return 'next'
    },
  }
}

function sessionOf<Native>({ req, sessionParam }: Exchange<Native>): string {
  const field = req.headers['x-session-id']
  return sessionParam ?? (Array.isArray(field) ? field.join() : field) ?? 'default'
}

function scopeOf<Native>(
  exchange: Exchange<Native>,
  identity: Identity,
  store: Store,
  { serializer }: MemoryRules,
): MemoryScope {
  const owner = ownerOf(exchange, identity)
  return {
    owner,
    user: decodeId(owner),
    codec: codecOf(serializer, owner),
    deadline: requestDeadline(exchange.req, store),
    encodeSession: (id) => encodeClientId('The session id', id),
    began: ({ abort }) => endWithFailure(exchange, abort),
    degraded: false,
  }
}

/** A handler that failed has left its turn open: nobody would begin another until it is forgotten. */
function endWithFailure<Native>({ res }: Exchange<Native>, abort: () => Promise<unknown>): void {
  res.once('close', () => {
    // A turn that has ended says so, and that is all.
    if (res.statusCode >= 400) abort().catch(() => {})
  })
}

function rulesOf<Native>(store: Store, options: SessionMemoryOptions<Native>): MemoryRules {
  const env = configFromEnv()
  const { ttl = env.sessionTtl, context = {}, onStoreError = 'local', serializer = json } = options
  const { title = 'first-message', maxMessageBytes = 65_536, turns = 'queue' } = options
  checkNames<ContextOptions>('sessionMemory.context', context, contextNames)
  const { messages = env.maxHistoryLength, tokens, count = estimate } = context
  wholeNumber('sessionMemory.context.messages', messages, { max: 1000 })
  if (tokens !== undefined) wholeNumber('sessionMemory.context.tokens', tokens)
  optionalFunction('sessionMemory.context.count', count)
  oneOf('sessionMemory.onStoreError', onStoreError, ['local', 'error'])
  oneOf('sessionMemory.turns', turns, ['queue', 'reject', 'interleave'])
  oneOf('sessionMemory.title', title, ['first-message', false])
  if (typeof serializer?.encode !== 'function' || typeof serializer.decode !== 'function')
    throw new OptionError(
      'sessionMemory.serializer',
      'an object with encode and decode',
      serializer,
    )
  const { maxStored = Math.max(200, 10 * messages) } = options
  return {
    history: store.history,
    turns: store.turns,
    turnMode: turns,
    fields: store.fields,
    continuation: continuationOf(store.history),
    goesOn: onStoreError === 'local',
    ttlMs: ttl === false ? undefined : toMs('sessionMemory.ttl', ttl),
    maxStored: wholeNumber('sessionMemory.maxStored', maxStored, { min: messages }),
    maxBytes: wholeNumber('sessionMemory.maxMessageBytes', maxMessageBytes),
    window: { messages, tokens },
    title: title === 'first-message',
    count,
    serializer,
  }
}

function estimate(message: Message): number {
  const { content, ...rest } = message
  const { id: _, role: __, createdAt: ___, ...more } = rest
  const extra = Object.keys(more).length > 0 ? JSON.stringify(more) : ''
  const text = typeof content === 'string' ? content : textOf(message)
  return estimateTokenCount(text + extra)
}

function lazily<T>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}

import { configFromEnv } from '../lib/config.ts'
import { type Duration, toMs } from '../lib/duration.ts'
import { OptionError } from '../lib/errors.ts'
import { continuationOf } from '../lib/history/continuation.ts'
import { countedText } from '../lib/history/counted-text.ts'
import { estimatedTokens } from '../lib/history/estimated-tokens.ts'
import type { Message } from '../lib/history/message.ts'
import type { MemoryRules, Summarize, TitleOf, TurnMode } from '../lib/history/scope.ts'
import { checkNames, type Names, oneOf, optionalFunction, wholeNumber } from '../lib/options.ts'
import { json, type Serializer } from '../lib/serializer.ts'
import { checkStore, defaultStore, type Store } from '../lib/store.ts'
import type { UserOf } from './identity.ts'

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
  /**
   * `first-message` titles a session by its first user message; a function is asked once, when the
   * first answer is stored, and has 30 s. A title that is given with `set()` stays.
   * @default 'first-message'
   */
  readonly title?: 'first-message' | false | TitleOf
  /**
   * Sums up what no longer fits into the window, while the caller goes on, and has 60 s. What fails is
   * published on `memoryware:error` and tried again at the next append.
   * @default no summaries
   */
  readonly summarize?: Summarize
  /**
   * Sessions of one user; above it those go that were not active for longest, but for pinned ones.
   * @default no bound
   */
  readonly maxSessions?: number
  /**
   * How long the preferences of a signed-in user are kept after their last use; those of a guest are
   * kept as long as a session. `false` keeps them.
   * @default '400d'
   */
  readonly preferencesTtl?: Duration | false
}

/** What is handed to the model. */
export interface ContextOptions {
  /** Messages at most; the newest turn stays whole even above it. @default MAX_HISTORY_LENGTH, else 20 */
  readonly messages?: number
  /** Tokens at most. @default no bound */
  readonly tokens?: number
  /**
   * Counts a message's tokens, when it is appended; it gets the message in its stored form.
   * @default an estimate by tokenx
   */
  readonly count?: (message: Message) => number
  /**
   * Reads them as soon as a request comes that may add to the conversation (`POST` and the like), for
   * its first `memory.context()`: together with what a limiter behind `sessionMemory()` asks, in one
   * round trip less. Who is signed in and which conversation it is must be known there. A request that
   * is refused, or asks for no context, has read it for nothing.
   * @default false
   */
  readonly ahead?: boolean
}

const memoryOptionNames: Names<SessionMemoryOptions<unknown>> = {
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
  summarize: true,
  maxSessions: true,
  preferencesTtl: true,
}

const contextNames: Names<ContextOptions> = {
  messages: true,
  tokens: true,
  count: true,
  ahead: true,
}

/**
 * Checks the options of a mount, and gives what it works with.
 *
 * @throws OptionError for a wrong or unknown one.
 */
export function checkMemoryOptions<Native>(
  where: string,
  options: SessionMemoryOptions<Native>,
): { readonly store: Store; readonly rules: MemoryRules } {
  checkNames<SessionMemoryOptions<Native>>(where, options, memoryOptionNames)
  optionalFunction(`${where}.user`, options.user)
  optionalFunction(`${where}.session`, options.session)
  if (options.store !== undefined) checkStore(`${where}.store`, options.store)
  const { store = defaultStore() } = options
  return { store, rules: rulesOf(where, store, options) }
}

function rulesOf<Native>(
  where: string,
  store: Store,
  options: SessionMemoryOptions<Native>,
): MemoryRules {
  const env = configFromEnv()
  const { ttl = env.sessionTtl, context = {}, onStoreError = 'local', serializer = json } = options
  const { maxMessageBytes = 65_536, turns = 'queue' } = options
  checkNames<ContextOptions>(`${where}.context`, context, contextNames)
  const { messages = env.maxHistoryLength, tokens, count = estimate } = context
  wholeNumber(`${where}.context.messages`, messages, { max: 1000 })
  if (tokens !== undefined) wholeNumber(`${where}.context.tokens`, tokens)
  optionalFunction(`${where}.context.count`, count)
  if (context.ahead !== undefined) oneOf(`${where}.context.ahead`, context.ahead, [true, false])
  oneOf(`${where}.onStoreError`, onStoreError, ['local', 'error'])
  oneOf(`${where}.turns`, turns, ['queue', 'reject', 'interleave'])
  if (typeof serializer?.encode !== 'function' || typeof serializer.decode !== 'function')
    throw new OptionError(`${where}.serializer`, 'an object with encode and decode', serializer)
  const { maxStored = Math.max(200, 10 * messages) } = options
  return {
    history: store.history,
    turns: store.turns,
    turnMode: turns,
    fields: store.fields,
    continuation: continuationOf(store.history),
    goesOn: onStoreError === 'local',
    ttlMs: ttl === false ? undefined : toMs(`${where}.ttl`, ttl),
    maxStored: wholeNumber(`${where}.maxStored`, maxStored, { min: messages }),
    maxBytes: wholeNumber(`${where}.maxMessageBytes`, maxMessageBytes),
    window: { messages, tokens },
    ...growthOf(where, options),
    count,
    serializer,
  }
}

type GrowthRules = 'title' | 'summarize' | 'maxSessions' | 'preferencesTtlMs'

function growthOf<Native>(
  where: string,
  options: SessionMemoryOptions<Native>,
): Pick<MemoryRules, GrowthRules> {
  const { title = 'first-message', summarize, maxSessions, preferencesTtl = '400d' } = options
  if (typeof title !== 'function') oneOf(`${where}.title`, title, ['first-message', false])
  optionalFunction(`${where}.summarize`, summarize)
  if (maxSessions !== undefined) wholeNumber(`${where}.maxSessions`, maxSessions)
  const keptMs = preferencesTtl === false ? undefined : preferencesTtl
  return {
    title,
    summarize,
    maxSessions,
    preferencesTtlMs: keptMs === undefined ? undefined : toMs(`${where}.preferencesTtl`, keptMs),
  }
}

function estimate(message: Message): number {
  return estimatedTokens(countedText(message))
}

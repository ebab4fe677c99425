import { configFromEnv } from './config.ts'
import { Deadline } from './deadline.ts'
import { type Duration, toMs } from './duration.ts'
import { OptionError, UsageError } from './errors.ts'
import { closeContinuation } from './history/continuation.ts'
import { checkKey } from './keys.ts'
import { notice } from './notice.ts'
import { checkNames, wholeNumber } from './options.ts'
import { decode, type Pipeline, pipeline, seconds } from './pipeline.ts'
import type { Budgets } from './ports/budgets.ts'
import type { Entries } from './ports/entries.ts'
import type { HistoryLog } from './ports/history.ts'
import type { Provider } from './ports/provider.ts'
import { checkProvider } from './providers/check-provider.ts'
import { embeddedProvider } from './providers/embedded/provider.ts'
import { type Guarded, guarded } from './providers/guarded.ts'
import { namespaced } from './providers/namespaced.ts'
import { type RedisProviderOptions, redisProvider } from './providers/redis/provider.ts'
import { isRedisUrl, namesDatabase } from './redis-url.ts'
import { json, type Serializer } from './serializer.ts'

/** What a store is made of. */
export interface StoreOptions extends RedisProviderOptions {
  /**
   * `redis`, `embedded` (this process: bounded, lost on exit), or a provider of your own.
   * @default `redis` where an address or a client is given, else `embedded`
   */
  readonly provider?: 'redis' | 'embedded' | Provider | undefined
  /** Stands before every key; no braces. @default none */
  readonly prefix?: string | undefined
  /** The form of values. @default json */
  readonly serializer?: Serializer | undefined
  /** How long one request may wait for the store, over all its calls; at most 1 s. @default '150ms' */
  readonly deadline?: Duration | undefined
  /** Embedded: how many keys are kept; the least recently used go first. @default 100_000 */
  readonly maxEntries?: number | undefined
  /** Embedded: how many bytes are kept. @default 67_108_864 */
  readonly maxBytes?: number | undefined
}

/**
 * Values by key, and the ports that the middlewares work on. Its methods reject with a `StoreError`
 * within the deadline when the store is away.
 */
export interface Store {
  /** `redis`, `embedded`, or a custom provider's name. */
  readonly provider: string
  /** The store is away: calls fail at once until it is back. */
  readonly degraded: boolean
  /** Conversations. */
  readonly history: HistoryLog
  /** What limits have counted. */
  readonly budgets: Budgets
  /** Cached responses and results. */
  readonly entries: Entries
  /** Budgets that stand in while the store is away: in this process only, bounded. */
  readonly insurance: Budgets
  /** The value, or `undefined` when the key is absent or has expired. */
  get<T = unknown>(key: string): Promise<T | undefined>
  /** Replaces value and time to live; without `ttl` the value stays until it is deleted. */
  set(key: string, value: unknown, options?: { ttl?: Duration }): Promise<void>
  /** How many of the keys were there. */
  delete(...keys: string[]): Promise<number>
  /** How many of the keys are there. */
  exists(...keys: string[]): Promise<number>
  /** False when the key is absent. */
  expire(key: string, ttl: Duration): Promise<boolean>
  /** Seconds left; `Infinity` for a key that does not expire, `undefined` for an absent one. */
  ttl(key: string): Promise<number | undefined>
  /** Adds `by` (default 1) in one atomic step, from 0; gives the sum. */
  incr(key: string, by?: number): Promise<number>
  /** Keys that match a Redis pattern; put ids in it through `escapePattern`. Walks all keys. */
  keys(pattern: string): Promise<string[]>
  /** Removes the keys that match a Redis pattern; gives their number. Walks all keys. */
  deletePattern(pattern: string): Promise<number>
  /** One element a key, in their order. */
  mget<T = unknown>(keys: readonly string[]): Promise<(T | undefined)[]>
  /** Several commands in one round trip. */
  pipeline(): Pipeline
  /** A fresh budget of waiting, for one request. */
  deadline(): Deadline
  /** Settles what is under way and lets go of the connection. A client handed in stays open. */
  close(): Promise<void>
}

/**
 * Makes a store. It connects at once and never fails for that: a Redis that is away now is used as
 * soon as it is there.
 *
 * @throws OptionError for a wrong or unknown option.
 */
export function createStore(options: StoreOptions = {}): Store {
  checkNames<StoreOptions>('store', options, names)
  const { prefix, serializer = json, deadline = '150ms' } = options
  const deadlineMs = toMs('deadline', deadline)
  if (deadlineMs > 1000) throw new OptionError('deadline', 'at most 1 second', deadline)
  if (typeof serializer?.encode !== 'function' || typeof serializer.decode !== 'function')
    throw new OptionError('serializer', 'an object with encode and decode', serializer)
  const raw = choose(options)
  const provider = prefix === undefined ? raw : namespaced(raw, prefix)
  const inProcess = raw.name === 'embedded' && raw !== options.provider
  return facade(
    inProcess ? ungated(provider, deadlineMs) : guarded(provider, { deadlineMs }),
    serializer,
  )
}

const slot: unique symbol = Symbol.for('memoryware.store') as never
const shared = globalThis as { [slot]?: Store | undefined }

/**
 * The store that middlewares without a `store` option share, made at its first use from the
 * environment: Redis where one is configured, else the embedded provider.
 *
 * @throws EnvironmentError for a wrong environment.
 */
export function defaultStore(): Store {
  shared[slot] ??= fromEnvironment()
  return shared[slot]
}

function fromEnvironment(): Store {
  const { provider, chosen, sessionTtl: _, maxHistoryLength: __, ...address } = configFromEnv()
  if (provider === 'embedded' && !chosen)
    notice(
      'MEMORYWARE_EMBEDDED',
      'No REDIS_URL or REDIS_HOST is set: memory, limits and cache are kept in this process and lost when it exits',
    )
  const store = createStore(provider === 'embedded' ? { provider } : { provider, ...address })
  const { close } = store
  return Object.assign(store, {
    async close() {
      shared[slot] = undefined
      await close()
    },
  })
}

/** Checks a `store` option. @throws OptionError for anything that `createStore()` did not make. */
export function checkStore(option: string, store: unknown): void {
  const { history, budgets, entries } = (store ?? {}) as Partial<Store>
  if (!history || !budgets || !entries)
    throw new OptionError(option, 'a store made by createStore()', store)
}

const names = {
  provider: true,
  url: true,
  host: true,
  port: true,
  db: true,
  username: true,
  password: true,
  ca: true,
  client: true,
  prefix: true,
  serializer: true,
  deadline: true,
  maxEntries: true,
  maxBytes: true,
} as const

function choose(options: StoreOptions): Provider {
  const { provider, url, host, port, db, username, password, ca, client } = options
  const redis = { url, host, port, db, username, password, ca, client }
  const given = Object.entries(redis).filter(([, value]) => value !== undefined)
  const kind = provider ?? (given.length > 0 ? 'redis' : 'embedded')
  if (kind === 'redis') return redisProvider(checkAddress(redis))
  if (given[0]) throw new OptionError(given[0][0], 'absent without the redis provider', given[0][1])
  if (kind === 'embedded') return embedded(options)
  if (typeof kind === 'object') return checkProvider(kind)
  throw new OptionError('provider', "'redis', 'embedded' or a provider", provider)
}

function checkAddress(address: RedisProviderOptions): RedisProviderOptions {
  const { url, port, db } = address
  if (url !== undefined && !isRedisUrl(url))
    throw new OptionError(
      'url',
      'a URL such as redis://host:6379',
      String(url).replace(/\/\/.*@/, '//…@'),
    )
  if (port !== undefined) wholeNumber('port', port, { max: 65_535 })
  if (db !== undefined) wholeNumber('db', db, { min: 0, max: 1_000_000 })
  if (db !== undefined && url !== undefined && namesDatabase(url))
    throw new OptionError('db', 'absent where the URL names a database', db)
  for (const name of ['host', 'username', 'password', 'ca'] as const) {
    if (address[name] !== undefined && typeof address[name] !== 'string')
      throw new OptionError(name, 'a string', typeof address[name])
  }
  return address
}

function embedded({ maxEntries, maxBytes }: StoreOptions): Provider {
  return embeddedProvider({
    ...(maxEntries === undefined ? {} : { maxEntries: wholeNumber('maxEntries', maxEntries) }),
    ...(maxBytes === undefined ? {} : { maxBytes: wholeNumber('maxBytes', maxBytes) }),
  })
}

/** The embedded provider is never away. */
function ungated(provider: Provider, deadlineMs: number): Guarded {
  return { ...provider, degraded: false, deadline: () => new Deadline(deadlineMs) }
}

function facade(provider: Guarded, serializer: Serializer): Store {
  let standIn: Provider | undefined
  return {
    provider: provider.name,
    get degraded() {
      return provider.degraded
    },
    history: provider.history,
    budgets: provider.budgets,
    entries: provider.entries,
    get insurance() {
      standIn ??= embeddedProvider({ maxEntries: 50_000, maxBytes: 16 * 1024 * 1024 })
      return standIn.budgets
    },
    get: async <T>(key: string) => decode(serializer, await provider.get(checkKey(key))) as T,
    set: async (key, value, options = {}) => {
      checkNames('set', options, { ttl: true })
      const { ttl } = options
      const ttlMs = ttl === undefined ? undefined : toMs('ttl', ttl)
      await provider.set(checkKey(key), serializer.encode(value), ttlMs)
    },
    delete: async (...keys) => provider.delete(keys.map(checkKey)),
    exists: async (...keys) => provider.exists(keys.map(checkKey)),
    expire: async (key, ttl) => provider.expire(checkKey(key), toMs('ttl', ttl)),
    ttl: async (key) => seconds(await provider.ttl(checkKey(key))),
    incr: async (key, by = 1) => provider.incr(checkKey(key), step(by)),
    keys: async (pattern) => provider.keys(checkKey(pattern)),
    deletePattern: async (pattern) => provider.deletePattern(checkKey(pattern)),
    mget: async <T>(keys: readonly string[]) => {
      const values = await provider.mget(keys.map(checkKey))
      return values.map((bytes) => decode(serializer, bytes) as T | undefined)
    },
    pipeline: () => pipeline(provider, serializer),
    deadline: provider.deadline,
    close: async () => {
      await closeContinuation(provider.history)
      await provider.close()
    },
  }
}

function step(by: number): number {
  if (Number.isSafeInteger(by)) return by
  throw new UsageError(`incr adds whole numbers, got ${String(by)}`)
}

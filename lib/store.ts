import { configFromEnv, type EnvironmentConfig } from './config.ts'
import { Deadline } from './deadline.ts'
import { type Duration, toMs } from './duration.ts'
import { OptionError } from './errors.ts'
import { facade, type Store } from './facade.ts'
import { foreignBudgets } from './limit/foreign.ts'
import type { LimitStore } from './limit/meter.ts'
import type { RateLimiterLike } from './limit/rate-limiter-like.ts'
import { notice } from './notice.ts'
import { checkNames, type Names, wholeNumber } from './options.ts'
import type { Budgets } from './ports/budgets.ts'
import type { Guarded } from './ports/guarded.ts'
import type { Provider } from './ports/provider.ts'
import { checkProvider } from './providers/check-provider.ts'
import { embeddedProvider } from './providers/embedded/provider.ts'
import { guarded } from './providers/guarded.ts'
import { guardedBudgets } from './providers/guarded-budgets.ts'
import { checkPrefix, namespaced } from './providers/namespaced.ts'
import { type RedisProviderOptions, redisProvider } from './providers/redis/provider.ts'
import { json, type Serializer } from './serializer.ts'

export type { Store } from './facade.ts'
export type { SentinelOptions } from './providers/redis/address.ts'
export type { PoolOptions } from './providers/redis/pool.ts'
export type { RedisClient } from './providers/redis/provider.ts'

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
  if (prefix !== undefined) checkPrefix(prefix)
  const raw = choose(options)
  const provider = prefix === undefined ? raw : namespaced(raw, prefix)
  const inProcess = raw.name === 'embedded' && raw !== options.provider
  return facade(inProcess ? ungated(provider, deadlineMs) : guarded(provider, { deadlineMs }), {
    serializer,
    insurance: insurance(),
  })
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

/** The store that an environment describes. @throws OptionError for a wrong prefix. */
export function storeOf(
  { provider, chosen: _, sessionTtl: __, maxHistoryLength: ___, ...address }: EnvironmentConfig,
  options: Pick<StoreOptions, 'prefix'> = {},
): Store {
  return createStore({ provider, ...(provider === 'embedded' ? {} : address), ...options })
}

function fromEnvironment(): Store {
  const config = configFromEnv()
  const { provider, chosen } = config
  if (provider === 'embedded' && !chosen)
    notice(
      'MEMORYWARE_EMBEDDED',
      'No REDIS_URL or REDIS_HOST is set: memory, limits and cache are kept in this process and lost when it exits',
    )
  const store = storeOf(config)
  const { close } = store
  return Object.assign(store, {
    async close() {
      shared[slot] = undefined
      await close()
    },
  })
}

const ofLimiters = new WeakMap<RateLimiterLike, LimitStore>()

/**
 * What limits are counted on where a limiter of rate-limiter-flexible is the store: the same for all
 * who ask. It answers or fails within 150 ms.
 */
export function limitStoreOf(limiter: RateLimiterLike): LimitStore {
  const known = ofLimiters.get(limiter)
  if (known !== undefined) return known
  const standIn = insurance()
  const store: LimitStore = {
    ...guardedBudgets(foreignBudgets(limiter), { deadlineMs: 150 }),
    get insurance() {
      return standIn()
    },
  }
  ofLimiters.set(limiter, store)
  return store
}

/** Checks a `store` option. @throws OptionError for anything that `createStore()` did not make. */
export function checkStore(option: string, store: unknown): void {
  const { history, budgets, entries, fills } = (store ?? {}) as Partial<Store>
  if (!history || !budgets || !entries || !fills)
    throw new OptionError(option, 'a store made by createStore()', store)
}

const redisNames: Names<RedisProviderOptions> = {
  url: true,
  host: true,
  port: true,
  cluster: true,
  sentinels: true,
  db: true,
  username: true,
  password: true,
  ca: true,
  tls: true,
  client: true,
  pool: true,
  maxValueBytes: true,
}

const names: Names<StoreOptions> = {
  provider: true,
  ...redisNames,
  prefix: true,
  serializer: true,
  deadline: true,
  maxEntries: true,
  maxBytes: true,
}

function choose(options: StoreOptions): Provider {
  const { provider } = options
  const redis: RedisProviderOptions = pick(options, redisNames)
  const [given] = Object.entries(redis)
  const kind = provider ?? (given ? 'redis' : 'embedded')
  if (kind === 'redis') return redisProvider(redis)
  if (given)
    throw new OptionError(given[0], 'absent without the redis provider', unlessSecret(given))
  if (kind === 'embedded') return embedded(options)
  if (typeof kind === 'object') return checkProvider(kind)
  throw new OptionError('provider', "'redis', 'embedded' or a provider", provider)
}

/** What an error may show of an option. */
function unlessSecret([name, value]: [string, unknown]): unknown {
  return name === 'password' || name === 'url' ? '?' : value
}

function embedded({ maxEntries, maxBytes }: StoreOptions): Provider {
  return embeddedProvider({
    ...(maxEntries === undefined ? {} : { maxEntries: wholeNumber('maxEntries', maxEntries) }),
    ...(maxBytes === undefined ? {} : { maxBytes: wholeNumber('maxBytes', maxBytes) }),
  })
}

/** The embedded provider is never away. */
function ungated(provider: Provider, deadlineMs: number): Guarded {
  const deadline = () => new Deadline(deadlineMs)
  return { ...provider, degraded: false, probe: () => {}, deadline }
}

/** Budgets in this process, made at their first use. */
function insurance(): () => Budgets {
  let standIn: Provider | undefined
  return () => {
    standIn ??= embeddedProvider({ maxEntries: 50_000, maxBytes: 16 * 1024 * 1024 })
    return standIn.budgets
  }
}

/** The options of these names that are given. */
function pick<Options extends object>(
  options: Options,
  table: Partial<Record<keyof Options, true>>,
): Options {
  return Object.fromEntries(
    Object.entries(options).filter(([name, value]) => name in table && value !== undefined),
  ) as Options
}

import { closeNear } from './cache/near.ts'
import { purgeTags } from './cache/purge-tags.ts'
import { closeSharing } from './cache/sharing.ts'
import type { Deadline } from './deadline.ts'
import { type Duration, toMs } from './duration.ts'
import { UsageError } from './errors.ts'
import { closeContinuation } from './history/continuation.ts'
import { closeRunner } from './history/runner.ts'
import { checkKey, type Id } from './keys.ts'
import { checkNames } from './options.ts'
import { decode, type Pipeline, pipeline, seconds } from './pipeline.ts'
import type { Budgets } from './ports/budgets.ts'
import type { Checkup } from './ports/checkup.ts'
import type { Entries } from './ports/entries.ts'
import type { Fields } from './ports/fields.ts'
import type { Fills } from './ports/fills.ts'
import type { Guarded } from './ports/guarded.ts'
import type { HistoryLog } from './ports/history.ts'
import type { SlowCommand } from './ports/inspection.ts'
import type { Turns } from './ports/turns.ts'
import type { Serializer } from './serializer.ts'
import { type StoreInfo, totalOf } from './store-info.ts'
import { publish } from './telemetry.ts'

/**
 * Values by key, and the ports that the middlewares work on. Its methods reject with a `StoreError`
 * within the deadline when the store is away.
 */
export interface Store {
  /** `redis`, `embedded`, or a custom provider's name. */
  readonly provider: string
  /** The store, or a part of it, is away: calls to it fail at once until it is back. */
  readonly degraded: boolean
  /** Conversations. */
  readonly history: HistoryLog
  /** Turns of conversations. */
  readonly turns: Turns
  /** Named values of sessions and users. */
  readonly fields: Fields
  /** What limits have counted. */
  readonly budgets: Budgets
  /** Cached responses and results. */
  readonly entries: Entries
  /** Who makes a response, and those who wait for it. */
  readonly fills: Fills
  /** What `diagnose()` looks at; absent where there are no servers. */
  readonly checkup?: Checkup | undefined
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
  /** One element a key, in their order; on a Cluster the keys may lie on any nodes. */
  mget<T = unknown>(keys: readonly string[]): Promise<(T | undefined)[]>
  /** Sets several values in one round trip; not one atomic step. */
  mset(values: Readonly<Record<string, unknown>>, options?: { ttl?: Duration }): Promise<void>
  /** Several commands in one round trip. */
  pipeline(): Pipeline
  /** Sends a message to whoever listens now, in any process. */
  publish(channel: string, message: unknown): Promise<void>
  /**
   * Calls `listener` with each message on a channel, in order, until the function given back is
   * called. After a lost connection it listens again by itself; what was sent meanwhile is gone.
   */
  subscribe<T = unknown>(
    channel: string,
    listener: (message: T) => void,
  ): Promise<() => Promise<void>>
  /**
   * Purges cached responses and results by their tags, in all processes, however many there are; also
   * those that are being made now. `soft` leaves them to be used as stale, where that is allowed.
   *
   * @throws StoreError where the store is away, or full.
   */
  purge(which: { readonly tags: readonly Id[]; readonly soft?: boolean }): Promise<void>
  /** Clients, memory and statistics, in sum and of each server. */
  info(): Promise<StoreInfo>
  /** Keys of all kinds, over all masters; of the whole database, whatever the prefix. */
  dbsize(): Promise<number>
  /** Bytes that a key takes with all it holds; `undefined` for an absent one. */
  size(key: string): Promise<number | undefined>
  /** The newest slow commands of all servers, newest first, without their arguments. @default count 10 */
  slowlog(count?: number): Promise<readonly SlowCommand[]>
  /** A fresh budget of waiting, for one request. */
  deadline(): Deadline
  /**
   * Settles what is under way and lets go of the connections, within 2 s where the store hangs. A
   * client handed in stays open.
   */
  close(): Promise<void>
}

/** A store over a provider; `insurance` makes what stands in for its budgets, at its first use. */
export function facade(
  provider: Guarded,
  { serializer, insurance }: { serializer: Serializer; insurance: () => Budgets },
): Store {
  const { entries } = provider
  const bus = messages(provider, serializer)
  return {
    provider: provider.name,
    get degraded() {
      return provider.degraded
    },
    history: provider.history,
    turns: provider.turns,
    fields: provider.fields,
    budgets: provider.budgets,
    entries,
    fills: provider.fills,
    checkup: provider.checkup,
    get insurance() {
      return insurance()
    },
    ...values(provider, serializer),
    ...bus,
    ...inspection(provider),
    purge: async (which) => purgeTags({ entries, publish: bus.publish }, which),
    pipeline: () => pipeline(provider, serializer),
    deadline: provider.deadline,
    close: async () => {
      // What is kept in the process is tried now or never.
      provider.probe()
      // At once: where the store hangs, each waits for it.
      await Promise.all([
        closeNear({ entries }),
        closeSharing(provider),
        // What answers leave behind is kept in the process as well.
        closeRunner(provider.turns).then(() => closeContinuation(provider.history)),
      ])
      await provider.close()
    },
  }
}

type Values =
  | 'get'
  | 'set'
  | 'delete'
  | 'exists'
  | 'expire'
  | 'ttl'
  | 'incr'
  | 'keys'
  | 'deletePattern'
  | 'mget'
  | 'mset'

function values(provider: Guarded, serializer: Serializer): Pick<Store, Values> {
  return {
    get: async <T>(key: string) => decode(serializer, await provider.get(checkKey(key))) as T,
    set: async (key, value, options = {}) => {
      const ttlMs = ttlOf('set', options)
      await provider.set(checkKey(key), serializer.encode(value), ttlMs)
    },
    delete: async (...keys) => provider.delete(keys.map((key) => checkKey(key))),
    exists: async (...keys) => provider.exists(keys.map((key) => checkKey(key))),
    expire: async (key, ttl) => provider.expire(checkKey(key), toMs('ttl', ttl)),
    ttl: async (key) => seconds(await provider.ttl(checkKey(key))),
    incr: async (key, by = 1) => provider.incr(checkKey(key), step(by)),
    keys: async (pattern) => provider.keys(checkKey(pattern)),
    deletePattern: async (pattern) => provider.deletePattern(checkKey(pattern)),
    mget: async <T>(keys: readonly string[]) => {
      const found = await provider.mget(keys.map((key) => checkKey(key)))
      return found.map((bytes) => decode(serializer, bytes) as T | undefined)
    },
    mset: async (given, options = {}) => {
      const ttlMs = ttlOf('mset', options)
      if (!isRecord(given)) throw new UsageError('mset takes an object of keys and values')
      const encoded = Object.entries(given).map(
        ([key, value]) => [checkKey(key), serializer.encode(value)] as const,
      )
      if (encoded.length > 0) await provider.mset(new Map(encoded), ttlMs)
    },
  }
}

function messages(provider: Guarded, serializer: Serializer): Pick<Store, 'publish' | 'subscribe'> {
  return {
    publish: async (channel, message) =>
      offered(provider, 'bus').publish(checkKey(channel, 'A channel'), serializer.encode(message)),
    subscribe: async <T>(channel: string, listener: (message: T) => void) => {
      if (typeof listener !== 'function') throw new UsageError('subscribe takes a listener')
      const heard = (bytes: Buffer) => {
        try {
          listener(decode(serializer, bytes) as T)
        } catch (error) {
          publish('error', () => ({ during: 'message', error }))
        }
      }
      return offered(provider, 'bus').subscribe(checkKey(channel, 'A channel'), heard)
    },
  }
}

function inspection(provider: Guarded): Pick<Store, 'info' | 'dbsize' | 'size' | 'slowlog'> {
  return {
    info: async () => totalOf(await offered(provider, 'inspection').nodes()),
    dbsize: async () => offered(provider, 'inspection').dbsize(),
    size: async (key) => offered(provider, 'inspection').size(checkKey(key)),
    slowlog: async (count = 10) => {
      if (!Number.isSafeInteger(count) || count < 1)
        throw new UsageError(`slowlog gives a whole number of commands, got ${String(count)}`)
      return offered(provider, 'inspection').slowlog(count)
    },
  }
}

function offered<Port extends 'bus' | 'inspection'>(
  provider: Guarded,
  port: Port,
): NonNullable<Guarded[Port]> {
  const found = provider[port]
  if (found === undefined) throw new UsageError(`The provider ${provider.name} has no ${port}`)
  return found as NonNullable<Guarded[Port]>
}

function ttlOf(operation: string, options: { ttl?: Duration }): number | undefined {
  checkNames(operation, options, { ttl: true })
  return options.ttl === undefined ? undefined : toMs('ttl', options.ttl)
}

function isRecord(given: unknown): boolean {
  return Object.prototype.toString.call(given) === '[object Object]'
}

function step(by: number): number {
  if (Number.isSafeInteger(by)) return by
  throw new UsageError(`incr adds whole numbers, got ${String(by)}`)
}

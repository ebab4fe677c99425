import { UsageError } from '../lib/errors.ts'
import { escapePattern } from '../lib/keys.ts'
import { bounded, type SessionShelf } from './session-store.ts'

/** The commands connect-redis 8.1.0 sends, as ioredis takes them. */
export interface SessionClient {
  get(key: string): Promise<unknown>
  set(key: string, value: unknown, unit: 'EX', seconds: number): Promise<void>
  expire(key: string, seconds: number): Promise<boolean>
  del(keys: readonly string[]): Promise<number>
  mget(keys: readonly string[]): Promise<unknown[]>
  scan(cursor: string): Promise<[cursor: string, keys: string[]]>
}

// So many keys are one command: a million at once would outlast any deadline.
const batch = 500

/** The six commands over a store. Values go through its serializer, once. */
export function sessionClient({ store, prefix }: SessionShelf): SessionClient {
  return {
    get: async (key) => (await store.get(key)) ?? null,
    async set(key, value, unit, seconds) {
      // Later versions say the time to live otherwise; taken for none, sessions would never end.
      if (unit !== 'EX' || typeof seconds !== 'number')
        throw new UsageError('connect-redis sent SET in a form that 8.1.0 does not send')
      await store.set(key, value, { ttl: bounded(seconds) })
    },
    async expire(key, seconds) {
      if (seconds > 0) return store.expire(key, bounded(seconds))
      return (await store.delete(key)) > 0
    },
    async del(keys) {
      let count = 0
      for (const some of batches(keys)) count += await store.delete(...some)
      return count
    },
    async mget(keys) {
      const values: unknown[] = []
      for (const some of batches(keys)) values.push(...(await store.mget(some)))
      return values
    },
    // The pattern that connect-redis makes of the prefix is not escaped.
    scan: async () => ['0', await store.keys(`${escapePattern(prefix)}*`)],
  }
}

function* batches(keys: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < keys.length; at += batch) yield keys.slice(at, at + batch)
}

import type { Batch, Counter, Expiry, Keyspace, KeyValue } from '../../ports/key-value.ts'
import { redacted } from '../../redact.ts'
import { redisBatch, timeToLive } from './batch.ts'
import { checkSize } from './largest.ts'
import { type Client, isCluster } from './open-client.ts'
import type { Pool } from './pool.ts'
import { scan } from './scan.ts'
import { sum, summed, unlink } from './unlink.ts'

const once = { again: false }
const repeatable = { again: true }

/** Values, times to live, counters and scans on Redis. */
export function redisKeyValue(
  pool: Pool,
  { maxValueBytes }: { maxValueBytes: number },
): KeyValue & Expiry & Counter & Keyspace & Batch {
  const batch = redisBatch(pool, { maxValueBytes })
  return {
    get: async (key, call) =>
      (await pool.of(key).send('get', (client) => client.getBuffer(key), repeatable, call)) ??
      undefined,
    async set(key, value, ttlMs, call) {
      checkSize('set', value.byteLength, maxValueBytes)
      const bytes = redacted(value)
      await pool
        .of(key)
        .send(
          'set',
          (client) =>
            ttlMs === undefined ? client.set(key, bytes) : client.set(key, bytes, 'PX', ttlMs),
          repeatable,
          call,
        )
    },
    async delete(keys, call) {
      const counts = pool
        .groups(keys)
        .map((group) => group.connection.send('delete', unlink(group.keys), once, call))
      return sum(await Promise.all(counts))
    },
    async exists(keys, call) {
      const counts = pool.groups(keys).map((group) => {
        const count = (client: Client) =>
          summed(client, group.keys, (some) => client.exists(...some))
        return group.connection.send('exists', count, repeatable, call)
      })
      return sum(await Promise.all(counts))
    },
    async mget(keys, call) {
      const values: (Buffer | undefined)[] = []
      const reads = pool.groups(keys).map(async (group) => {
        const read = (client: Client) => listed(client, group.keys)
        const found = await group.connection.send('mget', read, repeatable, call)
        for (const [at, value] of found.entries())
          values[group.places[at] as number] = value ?? undefined
      })
      await Promise.all(reads)
      return values
    },
    async mset(values, ttlMs, call) {
      const commands = [...values].map(
        ([key, value]) => ({ name: 'set', key, value, ttlMs }) as const,
      )
      const failed = (await batch(commands, call)).find((result) => result instanceof Error)
      if (failed) throw failed
    },
    expire: async (key, ttlMs, call) =>
      (await pool
        .of(key)
        .send('expire', (client) => client.pexpire(key, ttlMs), repeatable, call)) === 1,
    ttl: async (key, call) =>
      timeToLive(await pool.of(key).send('ttl', (client) => client.pttl(key), repeatable, call)),
    incr: (key, by, call) =>
      pool.of(key).send('incr', (client) => client.incrby(key, by), once, call),
    ...keyspace(pool),
    batch,
  }
}

function keyspace(pool: Pool): Keyspace {
  return {
    keys: (pattern) =>
      pool.scans.send(
        'keys',
        async (client) => {
          const found = new Set<string>()
          for await (const keys of scan(client, pattern)) for (const key of keys) found.add(key)
          return [...found]
        },
        once,
      ),
    deletePattern: (pattern) =>
      pool.scans.send(
        'deletePattern',
        async (client) => {
          let removed = 0
          for await (const keys of scan(client, pattern)) removed += await unlink(keys)(client)
          return removed
        },
        once,
      ),
  }
}

async function listed(client: Client, keys: readonly string[]): Promise<(Buffer | null)[]> {
  if (!isCluster(client)) return client.mgetBuffer(...keys)
  // MGET of one key, not GET: what is no value reads as absent.
  return (await Promise.all(keys.map((key) => client.mgetBuffer(key)))).flat()
}

import type { SlowCommand, Store } from 'memoryware'

/** How a store does, in numbers. */
export interface Report {
  readonly servers: number
  readonly keys: number
  readonly clients: number
  readonly usedBytes: number
  /** Reads that found something, of all reads. */
  readonly hitRate: number
  readonly slowest: SlowCommand | undefined
}

/** Looks into the store: every master of a Cluster, or this process. */
export async function report(store: Store): Promise<Report> {
  const [{ clients, memory, stats, nodes }, keys, slow] = await Promise.all([
    store.info(),
    store.dbsize(),
    store.slowlog(100),
  ])
  return {
    servers: nodes.length,
    keys,
    clients: clients.connected,
    usedBytes: memory.used,
    hitRate: stats.hits / Math.max(1, stats.hits + stats.misses),
    slowest: slow.toSorted((one, other) => other.durationMs - one.durationMs)[0],
  }
}

/** The largest of these keys, by the bytes they take. */
export async function largest(store: Store, keys: readonly string[]): Promise<string | undefined> {
  const sizes = await Promise.all(keys.map(async (key) => (await store.size(key)) ?? 0))
  return keys[sizes.indexOf(Math.max(...sizes))]
}

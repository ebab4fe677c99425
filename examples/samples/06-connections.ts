import { createStore, type Store } from 'memoryware'

/** Two connections for commands, one for cached responses, one for what walks all keys. */
export function pooledStore(url: string): Store {
  return createStore({ url, pool: { commands: 2, bodies: 1, scans: 1 }, deadline: '1s' })
}

/** Sends without waiting: a key has always the same connection, so the last one wins. */
export async function writeInOrder(store: Store, key: string, versions: number): Promise<unknown> {
  const writes = Array.from({ length: versions }, (_, version) => store.set(key, version))
  await Promise.all(writes)
  return store.get(key)
}

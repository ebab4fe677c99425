import { createStore, type Store } from 'memoryware'

/** A store on a Redis Cluster; the nodes that are not named are found. */
export function clusterStore(nodes: readonly string[]): Store {
  return createStore({ cluster: nodes, deadline: '1s' })
}

/** Saves orders on whichever nodes they belong to, and reads them in the order of their ids. */
export async function saveAndRead(store: Store, ids: readonly number[]): Promise<unknown[]> {
  const key = (id: number) => `order:${id}`
  await store.mset(Object.fromEntries(ids.map((id) => [key(id), { id }])), { ttl: '1d' })
  return store.mget(ids.map(key))
}

/** Removes them from every master. */
export async function removeAll(store: Store): Promise<number> {
  return store.deletePattern('order:*')
}

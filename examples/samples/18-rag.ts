import { type CachedFunction, cached, type Store } from 'memoryware'

/** Finds passages for a query: a vector database, a search engine. */
export type Search = (query: string) => Promise<readonly string[]>

/** A search whose results are kept for an hour, however the query is spaced and capitalised. */
export function cachedSearch(
  store: Store,
  search: Search,
): CachedFunction<[query: string], readonly string[]> {
  const key = (query: string) => query.trim().replaceAll(/\s+/g, ' ').toLowerCase()
  return cached(search, { name: 'retrieval', ttl: '1h', key, store })
}

/** Notes a query of a user under the next number: two at once never take each other's place. */
export async function note(store: Store, user: string, query: string): Promise<void> {
  const number = await store.incr(`queries:{${user}}:count`)
  await store
    .pipeline()
    .set(`queries:{${user}}:${number}`, query, { ttl: '30d' })
    .expire(`queries:{${user}}:count`, '30d')
    .exec()
}

/** The last queries of a user, newest first. */
export async function lastQueries(store: Store, user: string, most = 10): Promise<string[]> {
  const count = (await store.get<number>(`queries:{${user}}:count`)) ?? 0
  const numbers = Array.from({ length: Math.min(most, count) }, (_, at) => count - at)
  const found = await store.mget<string>(numbers.map((each) => `queries:{${user}}:${each}`))
  return found.filter((query) => query !== undefined)
}

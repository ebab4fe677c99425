import { type CachedFunction, cached, type Store } from 'memoryware'

/** What was found for a question. */
export interface Found {
  readonly passages: readonly string[]
  readonly documents: readonly string[]
}

/** A search whose results are kept for a day, and go when one of their documents changes. */
export function cachedSearch(
  store: Store,
  search: (question: string) => Promise<Found>,
): CachedFunction<[question: string], Found> {
  return cached(search, {
    ...{ name: 'search', ttl: '1d', store },
    tags: ({ documents }) => documents,
    staleIfError: '1d',
  })
}

/** Everything that was found in this document is found anew, in all processes. */
export async function documentChanged(store: Store, document: string): Promise<void> {
  await store.purge({ tags: [document] })
}

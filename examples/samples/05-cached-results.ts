import { createHash } from 'node:crypto'
import { type CachedFunction, cached, type Store } from 'memoryware'

/** Anything that costs time or money. */
export type Summarize = (text: string) => Promise<string>

/** The same function, whose results are kept for ten minutes. */
export function cachedSummary(
  store: Store,
  summarize: Summarize,
): CachedFunction<[text: string], string> {
  return cached(summarize, { name: 'summary', ttl: '10m', store })
}

/** The same by hand: equal calls at once all run it, and it fails while the store is away. */
export async function summaryByHand(
  store: Store,
  summarize: Summarize,
  text: string,
): Promise<string> {
  const key = `summary:${createHash('sha256').update(text).digest('base64url')}`
  const known = await store.get<string>(key)
  if (known !== undefined) return known
  const summary = await summarize(text)
  await store.set(key, summary, { ttl: '10m' })
  return summary
}

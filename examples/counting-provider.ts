import { embeddedProvider, type Provider } from 'memoryware'

/** Keeps everything in this process, and counts what the response cache finds. */
export function countingProvider() {
  const inner = embeddedProvider({ maxEntries: 10_000 })
  const counts = { hits: 0, misses: 0 }
  return {
    ...inner,
    name: 'counting',
    counts,
    entries: {
      ...inner.entries,
      async find(key, variant, marks, call) {
        const found = await inner.entries.find(key, variant, marks, call)
        counts[found.entry ? 'hits' : 'misses'] += 1
        return found
      },
    },
  } satisfies Provider & { counts: object }
}

import type { Deadline } from '../deadline.ts'
import { publish } from '../telemetry.ts'
import { purgesOf } from './purges.ts'
import type { CacheStore } from './shelf.ts'

/** An answer that another run makes, as far as it is known. */
interface Growing {
  readonly resource: string
  readonly marks: readonly string[]
  /** When its making began, as `Entries.clock()` tells it. */
  readonly since: number
}

/**
 * Whether an answer that is being made was purged since its making began, hard or softly, or its
 * resource dropped, as far as this process has heard. True where the store is away. Never rejects.
 */
export async function isOutdated(
  store: Pick<CacheStore, 'entries'>,
  { resource, marks, since }: Growing,
  deadline: Deadline,
): Promise<boolean> {
  try {
    const [dropped, purges] = await Promise.all([
      wasDropped(store, { resource, since }, deadline),
      store.entries.purges(marks, { deadline }),
    ])
    return dropped || purges.some(({ hard, soft }) => Math.max(hard, soft) >= since)
  } catch (error) {
    publish('error', () => ({ during: 'cache purges', error }))
    return true
  }
}

/** Of a drop only this process's own clock tells: what the store's clock says is turned into it. */
async function wasDropped(
  store: Pick<CacheStore, 'entries'>,
  { resource, since }: Pick<Growing, 'resource' | 'since'>,
  deadline: Deadline,
): Promise<boolean> {
  const { times } = purgesOf(store)
  if (!times.wasNoted(resource, Number.NEGATIVE_INFINITY)) return false
  const sent = performance.now()
  const now = await store.entries.clock({ deadline })
  return times.wasNoted(resource, sent - (now - since) / 1000)
}

import type { Entries } from '../ports/entries.ts'
import { type PurgeLine, purgeLine } from './purge-line.ts'
import { type PurgeTimes, purgeTimes } from './purge-times.ts'
import type { CacheStore } from './shelf.ts'

/** Told of the marks and resources that are purged, here or in another process. */
export interface PurgeListener {
  purged(marks: readonly string[]): void
}

/** What this process knows of the purges of one store. */
export interface Purges {
  /** When marks and resources were purged, by `performance.now()`. */
  readonly times: PurgeTimes
  /** Marks or resources are purged: everybody who listens is told. */
  readonly tell: (marks: readonly string[]) => void
  /** Tells a listener from now on, and keeps it alive until it is ignored. */
  readonly hear: (listener: PurgeListener) => void
  readonly ignore: (listener: PurgeListener) => void
  /**
   * Whether purges of other processes are heard of. Where they are not, that is tried, at most once a
   * second.
   */
  stands(store: Pick<CacheStore, 'subscribe'>, now: number): boolean
  /** The store is about to close: no more purges of other processes are heard of. */
  close(): Promise<void>
}

const mostPurges = 10_000
const keptMs = 5000

const known = new WeakMap<Entries, Purges>()

/** The purges of a store: all who share the store share them. */
export function purgesOf({ entries }: Pick<CacheStore, 'entries'>): Purges {
  const purges = known.get(entries) ?? createPurges(entries)
  known.set(entries, purges)
  return purges
}

/** How a listener is told of the purges of a store, those of other processes too. */
export function heardPurges(store: CacheStore): Pick<Purges, 'hear' | 'ignore'> {
  const purges = purgesOf(store)
  return {
    hear(listener) {
      purges.hear(listener)
      if (store.provider !== 'embedded') purges.stands(store, performance.now())
    },
    ignore: purges.ignore,
  }
}

function createPurges(entries: Entries): Purges {
  const times = purgeTimes({ most: mostPurges, keptMs })
  const listeners = new Set<PurgeListener>()
  let line: PurgeLine | undefined
  let closed = false

  function tell(marks: readonly string[]): void {
    times.note(marks, performance.now())
    for (const listener of listeners) listener.purged(marks)
  }

  const purges: Purges = {
    times,
    tell,
    hear: (listener) => void listeners.add(listener),
    ignore: (listener) => void listeners.delete(listener),
    stands(store, now) {
      if (closed) return false
      line ??= purgeLine(store, {
        heard: tell,
        // What was read before may have been purged without our hearing of it.
        stands: () => times.forget(performance.now()),
      })
      return line.stands(now)
    },
    async close() {
      closed = true
      if (known.get(entries) === purges) known.delete(entries)
      await line?.close()
    },
  }
  return purges
}

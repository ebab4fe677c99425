import { LRUCache } from 'lru-cache'
import type { Entries, FoundEntry, Purge } from '../ports/entries.ts'
import { publish } from '../telemetry.ts'
import { currentAgeMs, decodeEntry, type Entry, type Place } from './entry.ts'
import type { Wanted } from './shelf.ts'

// Of all resources together.
const mostMarks = 100_000

/** What stands under one variant, and the purges of the marks that were asked for with it. */
export interface Seen {
  readonly variant: string
  readonly found: FoundEntry
  readonly asked: readonly string[]
}

/** Looks that a process takes at the entries of one store. */
interface Lookup {
  /** Remembers which marks an entry carries: they are asked for with it from now on. */
  learn(place: Place, marks: readonly string[]): void
  /** What stands there, in one round trip. */
  at(wanted: Wanted, variant: string): Promise<Seen>
  /** The entry that was seen, unless it is damaged or purged; one more round trip for new marks. */
  judged(wanted: Wanted, seen: Seen): Promise<Entry | undefined>
  /** Forgets a resource that cannot be read; nobody waits for it. */
  drop(resource: string): void
}

/** Reads entries together with the purges of their marks, as far as these are known before. */
export function lookup(entries: Entries): Lookup {
  const marksOf = new LRUCache<string, readonly string[]>({
    maxSize: mostMarks,
    sizeCalculation: (marks) => marks.length + 1,
  })

  function drop(resource: string): void {
    entries
      .drop(resource)
      .catch((error: unknown) => publish('error', () => ({ during: 'cache drop', error })))
  }
  const nameOf = (resource: string, variant: string) => `${resource} ${variant}`

  return {
    drop,
    learn({ key, variant }, marks) {
      if (marks.length > 0) marksOf.set(nameOf(key, variant), marks)
    },
    async at({ resource, marks, deadline }, variant) {
      const remembered = marksOf.get(nameOf(resource, variant)) ?? []
      const asked = [...new Set([...marks, ...remembered])]
      return { variant, asked, found: await entries.find(resource, variant, asked, { deadline }) }
    },
    async judged({ resource, deadline }, { variant, found, asked }) {
      if (found.entry === undefined) return undefined
      const entry = decodeEntry({ key: resource, variant }, found.entry)
      if (entry === undefined) {
        drop(resource)
        return undefined
      }
      const known = new Map(asked.map((mark, at) => [mark, found.purges[at]]))
      const unasked = entry.marks.filter((mark) => known.get(mark) === undefined)
      if (unasked.length > 0) {
        marksOf.set(nameOf(resource, variant), entry.marks)
        const purges = await entries.purges(unasked, { deadline })
        for (const [at, mark] of unasked.entries()) known.set(mark, purges[at])
      }
      return purged(
        entry,
        entry.marks.map((mark) => known.get(mark)),
      )
    },
  }
}

/** What the purges of its marks leave of an entry; nothing where one of them is not known. */
function purged(entry: Entry, purges: readonly (Purge | undefined)[]): Entry | undefined {
  if (purges.some((each) => each === undefined || each.hard >= entry.since)) return undefined
  const soft = Math.max(0, ...purges.map((each) => each?.soft ?? 0))
  if (purges.length === 0 || soft < entry.since) return entry
  // Its life ended with the purge: how long it may be used as stale counts from then.
  const agedMs = entry.ageMs + (soft - entry.since) / 1000
  return { ...entry, lifeMs: Math.min(entry.lifeMs, agedMs, currentAgeMs(entry, Date.now())) }
}

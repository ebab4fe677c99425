import { LRUCache } from 'lru-cache'
import { type Awaitable, withValue } from '../awaitable.ts'
import type { Entries, Purge } from '../ports/entries.ts'
import { publish } from '../telemetry.ts'
import { decodedOf, placeName } from './decoded.ts'
import { currentAgeMs, type Entry, type Place } from './entry.ts'
import { looksInto, type Seen } from './looks.ts'
import type { Wanted } from './shelf.ts'

// Of all resources together.
const mostMarks = 100_000

/** Looks that a process takes at the entries of one store. */
export interface Lookup {
  /** Remembers which marks an entry carries: they are asked for with it from now on. */
  learn(place: Place, marks: readonly string[]): void
  /** What stands there, in one round trip; at once where the store is in this process. */
  at(wanted: Wanted, variant: string): Awaitable<Seen>
  /** The entry that was seen, unless it is damaged or purged; one more round trip for new marks. */
  judged(wanted: Wanted, seen: Seen): Awaitable<Entry | undefined>
  /** Forgets a resource that cannot be read; nobody waits for it. */
  drop(resource: string): void
}

/** Reads entries together with the purges of their marks, as far as these are known before. */
export function lookup(entries: Entries): Lookup {
  const decoded = decodedOf(entries)
  const look = looksInto(entries)
  const marksOf = new LRUCache<string, readonly string[]>({
    maxSize: mostMarks,
    sizeCalculation: (marks) => marks.length + 1,
  })

  function drop(resource: string): void {
    entries
      .drop(resource)
      .catch((error: unknown) => publish('error', () => ({ during: 'cache drop', error })))
  }

  function learn(place: Place, marks: readonly string[]): void {
    if (marks.length > 0) marksOf.set(placeName(place), marks)
  }

  return {
    drop,
    learn,
    at(wanted, variant) {
      const { resource, marks } = wanted
      const asked = union(marks, marksOf.get(placeName({ key: resource, variant })))
      const { now } = entries.find
      if (now === undefined) return look({ key: resource, variant }, asked, wanted)
      const found = now(resource, variant, asked)
      return { variant, asked, found, shared: false, entry: undefined }
    },
    judged(wanted, seen) {
      const { resource } = wanted
      const { variant, found, asked } = seen
      const place = { key: resource, variant }
      if (found.entry === undefined) {
        decoded.forget(place)
        return undefined
      }
      seen.entry ??= decoded.read(place, found.entry)
      const { entry } = seen
      if (entry === undefined) {
        drop(resource)
        return undefined
      }
      const { marks } = entry
      const unasked = marks.filter((mark) => found.purges[asked.indexOf(mark)] === undefined)
      if (unasked.length === 0) return purged(entry, { marks: asked, purges: found.purges })
      learn(place, marks)
      return withValue(entries.purges(unasked, { deadline: wanted.deadline }), (more) =>
        purged(entry, {
          marks: [...unasked, ...asked],
          purges: [...more, ...found.purges],
        }),
      )
    },
  }
}

/** Each mark of two lists once. Nearly always all are in one of them: that one is given as it is. */
function union(marks: readonly string[], more: readonly string[] | undefined): readonly string[] {
  if (more === undefined) return marks
  return marks.every((mark) => more.includes(mark)) ? more : [...new Set([...marks, ...more])]
}

/** Purges of marks, in their order. */
interface Purged {
  readonly marks: readonly string[]
  readonly purges: readonly Purge[]
}

/** What the purges of its marks leave of an entry; nothing where one of them is not known. */
function purged(entry: Entry, { marks, purges }: Purged): Entry | undefined {
  let soft = 0
  for (const mark of entry.marks) {
    const purge = purges[marks.indexOf(mark)]
    if (purge === undefined || purge.hard >= entry.since) return undefined
    soft = Math.max(soft, purge.soft)
  }
  if (entry.marks.length === 0 || soft < entry.since) return entry
  // Its life ended with the purge: how long it may be used as stale counts from then.
  const agedMs = entry.ageMs + (soft - entry.since) / 1000
  return { ...entry, lifeMs: Math.min(entry.lifeMs, agedMs, currentAgeMs(entry, Date.now())) }
}

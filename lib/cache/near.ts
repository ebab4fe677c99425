import { LRUCache } from 'lru-cache'
import type { Entries } from '../ports/entries.ts'
import { copyOf, placeName } from './decoded.ts'
import type { Entry, Place } from './entry.ts'
import { purgesOf } from './purges.ts'
import type { CacheStore } from './shelf.ts'

/**
 * Entries that this process has at hand, so that a hit needs no command. All who share a store share
 * them. Times are of `performance.now()`: no step of the clock makes an entry young again.
 */
export interface Near {
  /**
   * The entry, as it was read or written last, unless it was purged since. Everybody gets the same
   * one: whoever hands its bytes to code that may change them copies them first.
   */
  get(place: Place, now: number): Entry | undefined
  /**
   * Takes a copy of an entry whose reading or making began then, unless it was purged meanwhile. What
   * takes more than an eighth of all room is not taken, nor anything until purges can be heard of.
   */
  put(place: Place, entry: Entry, began: number, now: number): void
  /** Forgets a resource with all its variants. */
  drop(resource: string): void
  /** Forgets what carries one of the marks, also what is being read or made. */
  purged(marks: readonly string[]): void
  /** Forgets everything, also what is being read or made. */
  clear(): void
  /** Forgets everything, and hears of no more purges. */
  close(): Promise<void>
}

/** How much is at hand, and for how long after it was read or written. */
export interface NearOptions {
  readonly maxBytes: number
  /** A purge whose message was lost is seen after so long. */
  readonly ttlMs: number
}

/** What is at hand where nobody says otherwise. */
export const defaultNear: NearOptions = { maxBytes: 16 * 1024 * 1024, ttlMs: 5000 }

/** Of each entry: what it takes beside its body and the text of its head. Measured on Node 20. */
const entryBytes = 1024

interface Cell {
  readonly entry: Entry
  readonly began: number
  readonly at: number
}

/** What all who share a store share. */
interface Tier {
  maxBytes: number
  cells: LRUCache<string, Cell>
}

const known = new WeakMap<Entries, Tier>()

/**
 * The entries at hand of a store: one set, in the most room that anybody asked for; who asks for a
 * shorter time gets nothing older.
 */
export function nearOf(store: CacheStore, { maxBytes, ttlMs }: NearOptions): Near {
  const tier = known.get(store.entries) ?? { maxBytes: 0, cells: cellsIn(1) }
  known.set(store.entries, tier)
  if (tier.maxBytes < maxBytes) {
    tier.maxBytes = maxBytes
    tier.cells = cellsIn(maxBytes)
  }
  return nearIn(tier, store, ttlMs)
}

/** Lets go of all that is at hand of a store that is about to close, and hears of no more purges. */
export async function closeNear(store: Pick<CacheStore, 'entries'>): Promise<void> {
  const purges = purgesOf(store)
  purges.times.forget(performance.now())
  known.get(store.entries)?.cells.clear()
  known.delete(store.entries)
  await purges.close()
}

function cellsIn(maxBytes: number): LRUCache<string, Cell> {
  return new LRUCache<string, Cell>({
    maxSize: maxBytes,
    maxEntrySize: Math.max(1, Math.floor(maxBytes / 8)),
    sizeCalculation: ({ entry }, at) => sizeOf(entry) + at.length,
  })
}

function sizeOf({ body, ...head }: Entry): number {
  return body.length + JSON.stringify(head).length + entryBytes
}

function nearIn(tier: Tier, store: CacheStore, ttlMs: number): Near {
  const purges = purgesOf(store)
  const { times } = purges
  const isPast = ({ key }: Place, { marks }: Entry, began: number): boolean =>
    times.isPast(marks, began) || times.wasNoted(key, began)

  function clear(): void {
    times.forget(performance.now())
    tier.cells.clear()
  }

  return {
    get(place, now) {
      const cell = tier.cells.get(placeName(place))
      if (cell === undefined || now - cell.at >= ttlMs) return undefined
      if (!isPast(place, cell.entry, cell.began)) return cell.entry
      tier.cells.delete(placeName(place))
      return undefined
    },
    put(place, entry, began, now) {
      if (!purges.stands(store, now) || isPast(place, entry, began)) return
      const name = placeName(place)
      const held = tier.cells.peek(name)
      if (held !== undefined && isYounger(held.entry, entry)) return
      tier.cells.set(name, { entry: { ...entry, body: copyOf(entry.body) }, began, at: now })
    },
    drop: (resource) => purges.tell([resource]),
    purged: (marks) => purges.tell(marks),
    clear,
    close: () => closeNear(store),
  }
}

/** What was read slowly does not take the place of what was written meanwhile. */
function isYounger(one: Entry, other: Entry): boolean {
  return one.since === other.since ? one.storedAt > other.storedAt : one.since > other.since
}

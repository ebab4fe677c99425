import { LRUCache } from 'lru-cache'
import type { Awaitable } from '../awaitable.ts'
import type { Deadline } from '../deadline.ts'
import type { Entries } from '../ports/entries.ts'
import type { Fills, SeenPlace } from '../ports/fills.ts'
import { publish } from '../telemetry.ts'
import { type Entry, encodeEntry, type Place } from './entry.ts'
import type { RequestHeaders } from './fields.ts'
import { invalidate } from './invalidations.ts'
import { lookup } from './lookup.ts'
import { type NearOptions, nearOf } from './near.ts'
import { dropResource, purge } from './purge.ts'
import { purgesOf } from './purges.ts'
import { isFresh, reader } from './reader.ts'
import { learn, variantOf } from './vary.ts'

/** What the cache needs of a store. */
export interface CacheStore {
  /** `embedded` keeps everything in this process. */
  readonly provider: string
  readonly entries: Entries
  readonly fills: Fills
  /** Sends a message to whoever listens now, in any process. */
  publish(channel: string, message: unknown): Promise<void>
  /** Calls `listener` with each message until the function given back is called. */
  subscribe(channel: string, listener: (message: unknown) => void): Promise<() => Promise<void>>
  /** A fresh budget of waiting, for one request. */
  deadline(): Deadline
}

/** Which response is meant. */
export interface Wanted {
  /** Key of the resource. */
  readonly resource: string
  /** Of the request, as the client sent them. */
  readonly headers: RequestHeaders
  readonly deadline: Deadline
  /** What the entry will carry, as far as the request tells: of its target, of its scope. */
  readonly marks: readonly string[]
}

/** What a look at the store found, and where; `away` where it could not say. */
export type Looked =
  | {
      readonly kind: 'found'
      readonly entry: Entry | undefined
      readonly tier: 'near' | 'store'
      /** The bytes of its body, as they came for this look alone: whoever looked may give them away. */
      readonly ownBody?: Buffer | undefined
      /** What stood in the store, usable or not; `undefined` where that cannot be said. */
      readonly seen?: SeenPlace | undefined
    }
  | { readonly kind: 'away'; readonly error: unknown }

/** The entries of one store, and what this process knows of their variants. */
export interface Shelf {
  /** What the resource varies by, as far as this process knows. */
  names(resource: string): readonly string[]
  /** Remembers what an answer varies by; gives all that the resource varies by. */
  learn(resource: string, names: readonly string[]): readonly string[]
  /**
   * A fresh entry that this process has at hand, without a command. It is everybody's: see `Near`. For
   * a stale one the store is asked, where another process may have renewed it.
   */
  near(wanted: Pick<Wanted, 'resource' | 'headers'>): Entry | undefined
  /**
   * One round trip where the variants and marks are known, else two or three; none, and no promise,
   * where the store is in this process. A purged entry is absent; the life of one that is softly
   * purged has just ended. Never rejects.
   */
  find(wanted: Wanted): Awaitable<Looked>
  /**
   * Keeps an answer while it is fresh, and as long afterwards as anybody may use it; false where it
   * could not be kept, or was purged meanwhile. Never rejects.
   */
  keep(wanted: Wanted, answer: Answer): Promise<boolean>
  /** Writes the head of a kept entry anew, after a 304 (RFC 9111 section 4.3.4). Never rejects. */
  amend(wanted: Wanted, entry: Entry, names: readonly string[], graceMs: number): Promise<void>
  /** Forgets a resource, here and in all processes. @throws StoreError where the store is away. */
  drop(resource: string): Promise<void>
  /**
   * Purges what carries one of the marks, whoever has it; softly: it counts as stale.
   *
   * @throws StoreError where the store is away: then only what this process has at hand is purged.
   */
  purge(marks: readonly string[], soft: boolean): Promise<void>
  /** Purges what carries one of the marks, without waiting: together with all that comes in this moment. */
  invalidate(marks: readonly string[]): void
}

/** An answer to keep. */
interface Answer {
  readonly entry: Entry
  /** What it varies by. */
  readonly names: readonly string[]
  /** How long it is kept after it has become stale; longer where it may be used stale. */
  readonly graceMs: number
  /** When its making began, as `performance.now()` tells it. */
  readonly began: number
  /** The fill it comes from: it is not kept where somebody else holds that by now. */
  readonly fill?: { readonly variant: string; readonly token: string } | undefined
}

const mostRemembered = 10_000
const mostVariants = 50
const longestMs = 365 * 86_400_000

/** Opens the shelf of a store; without `l1` nothing is at hand. */
export function openShelf(store: CacheStore, l1: NearOptions | undefined): Shelf {
  const near = l1 && nearOf(store, l1)
  const known = new LRUCache<string, readonly string[]>({ max: mostRemembered })
  const names = (resource: string): readonly string[] => known.get(resource) ?? []
  const look = lookup(store.entries)

  function remember(resource: string, more: readonly string[]): readonly string[] {
    const all = learn(names(resource), more)
    if (all.length > 0) known.set(resource, all)
    return all
  }

  const find = reader({
    look,
    near,
    names,
    remember: (resource, vary) => known.set(resource, vary),
  })

  return {
    names,
    learn: remember,
    near({ resource, headers }) {
      const place = { key: resource, variant: variantOf(names(resource), headers) }
      const entry = near?.get(place, performance.now())
      return entry && isFresh(entry) ? entry : undefined
    },
    find,
    async keep(wanted, answer) {
      const { resource, headers } = wanted
      const vary = remember(resource, answer.names)
      const place = { key: resource, variant: variantOf(vary, headers) }
      const kept = await write(store, { wanted, place, vary, answer })
      if (!kept) return false
      look.learn(place, answer.entry.marks)
      near?.put(place, answer.entry, answer.began, performance.now())
      return true
    },
    async amend({ resource, headers, deadline }, entry, own, graceMs) {
      const variant = variantOf(remember(resource, own), headers)
      const { head } = encodeEntry({ key: resource, variant }, entry)
      const ttlMs = storedMs(entry, graceMs)
      try {
        await store.entries.amend(resource, variant, head, ttlMs, { deadline })
      } catch (error) {
        publish('error', () => ({ during: 'cache write', error }))
      }
    },
    drop: (resource) => dropResource(store, resource),
    purge: (marks, soft) => purge(store, marks, soft),
    invalidate: (marks) => invalidate(store, marks),
  }
}

interface Writing {
  readonly wanted: Wanted
  readonly place: Place
  readonly vary: readonly string[]
  readonly answer: Answer
}

/** Whether the store has kept it. */
async function write(
  store: CacheStore,
  { wanted, place, vary, answer }: Writing,
): Promise<boolean> {
  const { entry, graceMs, began, fill } = answer
  if (purgesOf(store).times.wasNoted(place.key, began)) return false
  const variant = {
    ...{ vary, variant: place.variant, entry: encodeEntry(place, entry), fill },
    ...{ ttlMs: storedMs(entry, graceMs), maxVariants: mostVariants },
  }
  try {
    return await store.entries.keep(place.key, variant, { deadline: wanted.deadline })
  } catch (error) {
    publish('error', () => ({ during: 'cache write', error }))
    return false
  }
}

function storedMs(entry: Entry, graceMs: number): number {
  const longerMs = Math.max(graceMs, entry.swrMs, entry.sieMs)
  const leftMs = Math.ceil(entry.lifeMs - entry.ageMs) + longerMs
  return Math.min(Math.max(leftMs, 1), longestMs)
}

import { LRUCache } from 'lru-cache'
import type { Deadline } from '../deadline.ts'
import { StoreError } from '../errors.ts'
import type { Entries, FoundEntry } from '../ports/entries.ts'
import { publish } from '../telemetry.ts'
import { decodeEntry, type Entry, encodeEntry } from './entry.ts'
import type { RequestHeaders } from './fields.ts'
import { learn, sameNames, variantOf } from './vary.ts'

/** What the cache needs of a store. */
export interface CacheStore {
  readonly entries: Entries
  /** A fresh budget of waiting, for one request. */
  deadline(): Deadline
}

/** Which response is meant. */
interface Wanted {
  /** Key of the resource. */
  readonly resource: string
  /** Of the request, as the client sent them. */
  readonly headers: RequestHeaders
  readonly deadline: Deadline
}

/** What a look at the store found; `away` where it could not say. */
export type Looked =
  | { readonly kind: 'found'; readonly entry: Entry | undefined }
  | { readonly kind: 'away'; readonly error: unknown }

/** The entries of one store, and what this process knows of their variants. */
export interface Shelf {
  /** What the resource varies by, as far as this process knows. */
  names(resource: string): readonly string[]
  /** Remembers what an answer varies by; gives all that the resource varies by. */
  learn(resource: string, names: readonly string[]): readonly string[]
  /** One round trip where the variants are known, else two. Never rejects. */
  find(wanted: Wanted): Promise<Looked>
  /** Keeps an answer while it is fresh, and a while longer. Never rejects. */
  keep(wanted: Wanted, answer: Answer): Promise<void>
}

/** An answer to keep. */
interface Answer {
  readonly entry: Entry
  /** What it varies by. */
  readonly names: readonly string[]
  /** How long it is kept after it has become stale. */
  readonly graceMs: number
}

const mostRemembered = 10_000
const mostVariants = 50
const longestMs = 365 * 86_400_000

/** Opens the shelf of a store. */
export function openShelf({ entries }: CacheStore): Shelf {
  const known = new LRUCache<string, readonly string[]>({ max: mostRemembered })
  const names = (resource: string): readonly string[] => known.get(resource) ?? []

  function remember(resource: string, more: readonly string[]): readonly string[] {
    const all = learn(names(resource), more)
    if (all.length > 0) known.set(resource, all)
    return all
  }

  async function read({ resource, headers, deadline }: Wanted): Promise<Entry | undefined> {
    const guess = names(resource)
    const guessed = await entries.find(resource, variantOf(guess, headers), [], { deadline })
    if (sameNames(guess, guessed.vary)) return decode(resource, variantOf(guess, headers), guessed)
    const variant = variantOf(guessed.vary, headers)
    const found = await entries.find(resource, variant, [], { deadline })
    if (!sameNames(found.vary, guessed.vary) || found.entry === undefined) return undefined
    known.set(resource, found.vary)
    return decode(resource, variant, found)
  }

  function decode(resource: string, variant: string, { entry }: FoundEntry): Entry | undefined {
    const read = entry && decodeEntry({ key: resource, variant }, entry)
    if (entry !== undefined && read === undefined) drop(resource)
    return read
  }

  function drop(resource: string): void {
    entries.drop(resource).catch((error: unknown) => failed('cache drop', error))
  }

  return {
    names,
    learn: remember,
    async find(wanted) {
      try {
        return { kind: 'found', entry: await read(wanted) }
      } catch (error) {
        failed('cache read', error)
        if (!(error instanceof StoreError) || error.reason !== 'corrupt')
          return { kind: 'away', error }
        drop(wanted.resource)
        return { kind: 'found', entry: undefined }
      }
    },
    async keep({ resource, headers, deadline }, { entry, names: own, graceMs }) {
      const vary = remember(resource, own)
      const variant = variantOf(vary, headers)
      const leftMs = Math.ceil(entry.lifeMs - entry.ageMs) + graceMs
      const ttlMs = Math.min(Math.max(leftMs, 1), longestMs)
      const stored = encodeEntry({ key: resource, variant }, entry)
      const fresh = { vary, variant, entry: stored, ttlMs, maxVariants: mostVariants }
      try {
        await entries.keep(resource, fresh, { deadline })
      } catch (error) {
        failed('cache write', error)
      }
    },
  }
}

function failed(during: string, error: unknown): void {
  publish('error', () => ({ during, error }))
}

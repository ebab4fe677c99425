import { type Awaitable, withValue } from '../awaitable.ts'
import { StoreError } from '../errors.ts'
import type { SeenPlace } from '../ports/fills.ts'
import { publish } from '../telemetry.ts'
import { currentAgeMs, type Entry } from './entry.ts'
import type { Seen } from './looks.ts'
import type { Lookup } from './lookup.ts'
import type { Near } from './near.ts'
import type { Looked, Wanted } from './shelf.ts'
import { sameNames, variantOf } from './vary.ts'

/** What entries are read with. */
interface Reading {
  readonly look: Lookup
  readonly near: Near | undefined
  /** What a resource varies by, as far as this process knows. */
  names(resource: string): readonly string[]
  remember(resource: string, names: readonly string[]): void
}

/** Reads entries of a store, as `Shelf.find()` says. */
export function reader({
  look,
  near,
  names,
  remember,
}: Reading): (wanted: Wanted) => Awaitable<Looked> {
  function judged(wanted: Wanted, vary: readonly string[], there: Seen, began: number) {
    return withValue(look.judged(wanted, there), (entry): Looked => {
      if (near && entry && isFresh(entry))
        near.put({ key: wanted.resource, variant: there.variant }, entry, began, performance.now())
      return new Found(vary, there, entry)
    })
  }

  async function readAgain(
    wanted: Wanted,
    vary: readonly string[],
    began: number,
  ): Promise<Looked> {
    const there = await look.at(wanted, variantOf(vary, wanted.headers))
    if (!sameNames(there.found.vary, vary) || there.found.entry === undefined)
      return new Found(vary, there, undefined)
    remember(wanted.resource, vary)
    return judged(wanted, vary, there, began)
  }

  function read(wanted: Wanted): Awaitable<Looked> {
    const began = performance.now()
    const vary = names(wanted.resource)
    return withValue(look.at(wanted, variantOf(vary, wanted.headers)), (there) =>
      sameNames(vary, there.found.vary)
        ? judged(wanted, vary, there, began)
        : readAgain(wanted, there.found.vary, began),
    )
  }

  function unread({ resource }: Wanted, error: unknown): Looked {
    publish('error', () => ({ during: 'cache read', error }))
    if (!(error instanceof StoreError) || error.reason !== 'corrupt') return { kind: 'away', error }
    look.drop(resource)
    return { kind: 'found', entry: undefined, tier: 'store' }
  }

  return (wanted) => {
    try {
      const looked = read(wanted)
      if (!(looked instanceof Promise)) return looked
      return looked.catch((error: unknown) => unread(wanted, error))
    } catch (error) {
      return unread(wanted, error)
    }
  }
}

/** What was found, and what stood in the store: that is told to who asks, as a hit needs none of it. */
class Found {
  readonly kind = 'found'
  readonly tier = 'store'
  readonly entry: Entry | undefined
  readonly #vary: readonly string[]
  readonly #there: Seen

  constructor(vary: readonly string[], there: Seen, entry: Entry | undefined) {
    this.entry = entry
    this.#vary = vary
    this.#there = there
  }

  /** What came in several packets was put together for us; else it is a window on one packet. */
  get ownBody(): Buffer | undefined {
    const { shared, found } = this.#there
    const kept = found.entry
    if (shared || kept === undefined || kept.source !== undefined) return undefined
    return kept.body.byteLength === kept.body.buffer.byteLength ? kept.body : undefined
  }

  /** The names are those that the variant was looked for under: by now there may be others. */
  get seen(): SeenPlace {
    const { variant, found } = this.#there
    return { vary: this.#vary, variant, head: found.entry?.head }
  }
}

/** Whether an entry's life is not over yet. */
export function isFresh(entry: Entry): boolean {
  return currentAgeMs(entry, Date.now()) < entry.lifeMs
}

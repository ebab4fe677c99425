import {
  type Cell,
  createShelf,
  failure,
  type Held,
  type Share,
  type Shelf,
  type ShelfOptions,
  type Tally,
} from './shelf.ts'

/** All keys of a store: several shelves, on each of which a key may stand, but only on one. */
export interface Keyspace {
  readonly now: () => number
  /** Adds a shelf. */
  shelf<C extends Cell>(share: Share, options?: OwnShelf<C>): Shelf<C>
  /** The live cell of a key, of whatever kind; it does not count as used. */
  find(key: string): Held | undefined
  /** True when the key was there. */
  remove(key: string): boolean
  /** Each live key once. */
  keys(): string[]
  clear(): void
  /** Estimated bytes of all keys. */
  readonly bytes: number
  readonly tally: Readonly<Tally>
}

/** What a shelf has of its own. */
type OwnShelf<C extends Cell> = Pick<ShelfOptions<C>, 'onGone' | 'reach'> &
  Partial<Pick<ShelfOptions<C>, 'now'>>

/** Makes a keyspace without shelves, which together never have more than `bounds`. */
export function createKeyspace(now: () => number, bounds: Share): Keyspace {
  const shelves: Omit<Shelf<Cell>, 'get' | 'put' | 'fits'>[] = []
  const tally: Tally = { hits: 0, misses: 0, writes: 0, expired: 0, evicted: 0, peak: 0 }

  function find(key: string): Held | undefined {
    for (const shelf of shelves) {
      const held = shelf.peek(key)
      if (held !== undefined) return held
    }
    return undefined
  }

  function bytes(): number {
    let total = 0
    for (const shelf of shelves) total += shelf.bytes
    return total
  }

  function isOver(): boolean {
    let entries = 0
    for (const shelf of shelves) entries += shelf.entries
    return entries > bounds.entries || bytes() > bounds.bytes
  }

  function onPut(): void {
    tally.writes += 1
    // What one has beyond its share is only lent.
    while (isOver() && shelves.some((shelf) => shelf.giveBack()));
    tally.peak = Math.max(tally.peak, bytes())
  }

  return {
    now,
    shelf(share, options) {
      const added = createShelf({
        now,
        ...options,
        share,
        tally,
        onPut,
        elsewhere(operation, key) {
          if (find(key) !== undefined) throw failure(operation, 'corrupt')
        },
      })
      shelves.push(added)
      return added
    },
    find,
    remove: (key) => shelves.some((shelf) => shelf.delete(key)),
    keys: () => shelves.flatMap((shelf) => shelf.keys()),
    get bytes() {
      return bytes()
    },
    tally,
    clear: () => {
      for (const shelf of shelves) shelf.clear()
    },
  }
}

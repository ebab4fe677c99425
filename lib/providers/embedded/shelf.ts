import { LRUCache } from 'lru-cache'
import { StoreError, type StoreFailure } from '../../errors.ts'
import { inOnePiece } from '../../one-piece.ts'

/** What a key holds. Redis calls the kind its type. */
export interface Cell {
  readonly kind: string
  /** What it takes, roughly, without its key. */
  readonly bytes: number
}

/** A cell on its shelf. */
export interface Held<C extends Cell = Cell> {
  readonly cell: C
  /** Milliseconds since 1970; `Infinity` for a cell that does not expire. */
  expiresAt: number
}

/** How much a shelf holds. */
export interface Share {
  readonly entries: number
  readonly bytes: number
}

/**
 * Cells of related kinds, bounded in number and bytes.
 *
 * A full shelf drops what was not used for longest. There are no timers: each `put` looks at three
 * cells, in turn, and drops those that have expired. So the dead never push out the living while
 * these take less than two thirds of the shelf.
 */
export interface Shelf<C extends Cell> {
  /** The live cell, which counts as used. @throws StoreError `corrupt` when it is of another kind. */
  get<K extends C['kind']>(
    operation: string,
    key: string,
    kind: K,
  ): Held<Extract<C, { kind: K }>> | undefined
  /** The live cell of any kind; it does not count as used. */
  peek(key: string): Held<C> | undefined
  /** Whether this much fits, once enough else is dropped. */
  fits(bytes: number): boolean
  /** Puts or replaces. @throws StoreError `full`, and what was there stays. */
  put(operation: string, key: string, cell: C, expiresAt: number): void
  /** True when a live cell was there. */
  delete(key: string): boolean
  /** Keys of the live cells. */
  keys(): string[]
  clear(): void
  /** Drops what was not used for longest where it has more than its share; false where it has not. */
  giveBack(): boolean
  /** How many cells it has. */
  readonly entries: number
  /** Estimated bytes of all its cells. */
  readonly bytes: number
}

/** What has happened to the cells of all shelves. */
export interface Tally {
  hits: number
  misses: number
  writes: number
  expired: number
  evicted: number
  /** The most bytes there ever were. */
  peak: number
}

/** How a shelf is told apart from its neighbours. */
export interface ShelfOptions<C extends Cell> {
  /** What it may always have. */
  readonly share: Share
  /** What it may have while others leave it. @default share */
  readonly reach?: Share | undefined
  readonly now: () => number
  /** Throws where a key that is not here holds something elsewhere. */
  readonly elsewhere: (operation: string, key: string) => void
  readonly tally: Tally
  /** Told of each cell that was put. */
  readonly onPut: () => void
  /** Told of each cell that was deleted, has expired or was dropped; not of one that was replaced. */
  readonly onGone?: ((cell: C) => void) | undefined
}

// Map entry, list links and the cell's own objects, measured with small values on Node 20.
const overhead = 250

/** Makes an empty shelf. */
export function createShelf<C extends Cell>({
  share,
  reach = share,
  now,
  elsewhere,
  tally,
  onPut,
  onGone,
}: ShelfOptions<C>): Shelf<C> {
  // No `max`: the cache would make room for that many cells at once.
  const cells = new LRUCache<string, Held<C>>({
    maxSize: reach.bytes,
    sizeCalculation: ({ cell }, key) => sizeOf(key, cell.bytes),
    disposeAfter: ({ cell }, _key, reason) => {
      if (reason === 'evict') tally.evicted += 1
      if (reason !== 'set') onGone?.(cell)
    },
  })
  let unseen: string[] = []

  function peek(key: string): Held<C> | undefined {
    const held = cells.peek(key)
    if (held === undefined || held.expiresAt > now()) return held
    cells.delete(key)
    tally.expired += 1
    return undefined
  }

  function sweep(): void {
    // A list of the keys: an iterator of the cache loses its way when cells move.
    if (unseen.length === 0) unseen = [...cells.keys()]
    for (const key of unseen.splice(-3)) peek(key)
  }

  function fits(bytes: number): boolean {
    return bytes <= share.bytes
  }

  return {
    get<K extends C['kind']>(operation: string, key: string, kind: K) {
      const held = peek(key)
      if (held === undefined) {
        tally.misses += 1
        elsewhere(operation, key)
        return undefined
      }
      if (held.cell.kind !== kind) throw failure(operation, 'corrupt')
      cells.get(key)
      tally.hits += 1
      return held as Held<Extract<C, { kind: K }>>
    },
    peek,
    fits,
    put(operation, key, cell, expiresAt) {
      if (!fits(sizeOf(key, cell.bytes))) throw failure(operation, 'full')
      sweep()
      cells.set(cells.has(key) ? key : inOnePiece(key), { cell, expiresAt })
      if (cells.size > reach.entries) cells.pop()
      onPut()
    },
    delete: (key) => peek(key) !== undefined && cells.delete(key),
    keys: () => {
      const at = now()
      const live: string[] = []
      for (const [key, held] of cells.entries()) if (held.expiresAt > at) live.push(key)
      return live
    },
    clear() {
      cells.clear()
      unseen = []
    },
    giveBack() {
      if (cells.size <= share.entries && cells.calculatedSize <= share.bytes) return false
      cells.pop()
      return true
    },
    get entries() {
      return cells.size
    },
    get bytes() {
      return cells.calculatedSize
    },
  }
}

/** What a cell takes together with its key. */
export function sizeOf(key: string, bytes: number): number {
  return overhead + 2 * key.length + bytes
}

/** An operation that could not be carried out: nothing was changed. */
export function failure(operation: string, reason: StoreFailure): StoreError {
  return new StoreError(operation, reason, { outcome: 'not-sent' })
}

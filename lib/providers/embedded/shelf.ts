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

/** A cell as the shelf itself knows it. */
interface Placed<C extends Cell> extends Held<C> {
  cell: C
  /** What the cell took when it was put: a cell may change before it is put again. */
  bytes: number
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
  /**
   * The live cell, which counts as used; `at` is now, for who has looked at the clock.
   * @throws StoreError `corrupt` when it is of another kind.
   */
  get<K extends C['kind']>(
    operation: string,
    key: string,
    kind: K,
    at?: number,
  ): Held<Extract<C, { kind: K }>> | undefined
  /** The live cell of any kind; it does not count as used. */
  peek(key: string): Held<C> | undefined
  /** Whether this much fits, once enough else is dropped. */
  fits(bytes: number): boolean
  /** Puts or replaces. @throws StoreError `full`, and what was there stays. */
  put(operation: string, key: string, cell: C, expiresAt: number, at?: number): void
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
  const cells = emptyCells(reach, tally, onGone)
  const sweep = sweeperOf(cells, peek)

  function peek(key: string, at?: number): Held<C> | undefined {
    return live(key, cells.peek(key), at)
  }

  function live(key: string, held: Held<C> | undefined, at?: number): Held<C> | undefined {
    if (held === undefined || held.expiresAt > (at ?? now())) return held
    cells.delete(key)
    tally.expired += 1
    return undefined
  }

  function fits(bytes: number): boolean {
    return bytes <= share.bytes
  }

  return {
    get<K extends C['kind']>(operation: string, key: string, kind: K, at?: number) {
      const held = live(key, cells.get(key), at)
      if (held === undefined) {
        tally.misses += 1
        elsewhere(operation, key)
        return undefined
      }
      if (held.cell.kind !== kind) throw failure(operation, 'corrupt')
      tally.hits += 1
      return held as Held<Extract<C, { kind: K }>>
    },
    peek: (key) => peek(key),
    fits,
    put(operation, key, cell, expiresAt, at = now()) {
      if (!fits(sizeOf(key, cell.bytes))) throw failure(operation, 'full')
      sweep(at)
      const { bytes } = cell
      const placed = cells.get(key)
      if (placed?.bytes === bytes) {
        // Nothing takes more than before: no room has to be made.
        placed.cell = cell
        placed.expiresAt = expiresAt
        tally.writes += 1
        return
      }
      cells.set(placed ? key : inOnePiece(key), { cell, expiresAt, bytes })
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
    clear: () => cells.clear(),
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

/** Looks at three cells each time, in turn. */
function sweeperOf(
  cells: { keys(): Iterable<string> },
  look: (key: string, at: number) => unknown,
): (at: number) => void {
  let unseen: string[] = []
  return (at) => {
    // A list of the keys: an iterator of the cache loses its way when cells move.
    if (unseen.length === 0) unseen = [...cells.keys()]
    for (let looked = 0; looked < 3; looked += 1) {
      const key = unseen.pop()
      if (key === undefined) return
      look(key, at)
    }
  }
}

function emptyCells<C extends Cell>(
  reach: Share,
  tally: Tally,
  onGone: ShelfOptions<C>['onGone'],
): LRUCache<string, Placed<C>> {
  // No `max`: the cache would make room for that many cells at once.
  return new LRUCache({
    maxSize: reach.bytes,
    sizeCalculation: ({ bytes }, key) => sizeOf(key, bytes),
    disposeAfter: ({ cell }, _key, reason) => {
      if (reason === 'evict') tally.evicted += 1
      if (reason !== 'set') onGone?.(cell)
    },
  })
}

/** What a cell takes together with its key. */
export function sizeOf(key: string, bytes: number): number {
  return overhead + 2 * key.length + bytes
}

/** An operation that could not be carried out: nothing was changed. */
export function failure(operation: string, reason: StoreFailure): StoreError {
  return new StoreError(operation, reason, { outcome: 'not-sent' })
}

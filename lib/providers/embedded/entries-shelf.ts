import type { FillEnd } from '../../ports/fills.ts'
import type { Keyspace } from './keyspace.ts'
import type { Packed } from './packed.ts'
import { type PiecesCell, type PiecesShelf, piecesOn } from './pieces.ts'
import type { Held, Share, Shelf } from './shelf.ts'

/** One variant of a resource. */
export interface Variant {
  readonly head: Packed
  readonly body: Packed
  readonly expiresAt: number
}

/** A resource with all its variants. */
export interface ResourceCell {
  readonly kind: 'resource'
  readonly bytes: number
  readonly vary: readonly string[]
  readonly variants: ReadonlyMap<string, Variant>
}

/** Who makes an answer; `how`: its last one could not be shared. */
interface FillCell {
  readonly kind: 'fill'
  readonly bytes: number
  readonly token: string
  readonly runner: string
  readonly since: number
  watched: boolean
  /** There are pieces. */
  written: boolean
  readonly how?: FillEnd | undefined
}

/** How a fill has ended. */
interface OutcomeCell {
  readonly kind: 'outcome'
  readonly bytes: number
  readonly how: FillEnd
}

type EntryCell = ResourceCell | FillCell | OutcomeCell | PiecesCell

/** Where cached responses stand, and who makes them. */
export interface EntriesShelf extends Pick<Shelf<EntryCell>, 'get' | 'put' | 'fits' | 'delete'> {
  readonly now: () => number
  /** @throws StoreError `corrupt` for another kind of cell. */
  fill(operation: string, key: string): Held<FillCell> | undefined
  putFill(
    operation: string,
    key: string,
    fill: Omit<FillCell, 'kind' | 'bytes'>,
    expiresAt: number,
  ): void
  /** How the fill has ended whose pieces stand there. */
  outcome(operation: string, pieces: string): FillEnd | undefined
  putOutcome(operation: string, pieces: string, how: FillEnd, expiresAt: number): void
  readonly pieces: PiecesShelf
}

// The strings and numbers of a fill, on Node 20.
const fillBytes = 200

/** Adds a shelf for cached responses to a keyspace. */
export function createEntriesShelf(keyspace: Keyspace, share: Share): EntriesShelf {
  const { now } = keyspace
  const shelf = keyspace.shelf<EntryCell>(share)
  const outcomeAt = (pieces: string) => `${pieces}:end`
  return {
    ...shelf,
    now,
    fill: (operation, key) => shelf.get(operation, key, 'fill'),
    putFill: (operation, key, fill, expiresAt) =>
      shelf.put(operation, key, { kind: 'fill', bytes: fillBytes, ...fill }, expiresAt),
    outcome: (operation, pieces) => shelf.get(operation, outcomeAt(pieces), 'outcome')?.cell.how,
    putOutcome: (operation, pieces, how, expiresAt) =>
      shelf.put(operation, outcomeAt(pieces), { kind: 'outcome', bytes: 0, how }, expiresAt),
    pieces: piecesOn(shelf, (operation, key) => shelf.get(operation, key, 'pieces'), now, share),
  }
}

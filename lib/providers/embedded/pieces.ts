import type { Batch, TurnView } from '../../ports/turns.ts'
import { type Packed, pack, unpack } from './packed.ts'
import type { Held, Share, Shelf } from './shelf.ts'

interface KeptBatch {
  readonly last: number
  readonly packed: Packed
}

/** The pieces of an answer that grows. */
export interface PiecesCell {
  readonly kind: 'pieces'
  readonly bytes: number
  readonly batches: KeptBatch[]
}

/** Where pieces of answers stand. */
export interface PiecesShelf {
  /** False when the batch was there already. @throws StoreError `full`, and nothing changes. */
  keep(key: string, batch: Batch, keepMs: number): boolean
  /** Batches that end after a piece. */
  after(key: string, piece: number): TurnView['batches']
  /** Pieces that are there go after so long. */
  end(key: string, keepMs: number): void
  delete(key: string): void
}

const longest = 4 * 1024 * 1024

// Object and array slot of a batch, and the cell's own, on Node 20.
const batchBytes = 80
const cellBytes = 120

/** Keeps pieces on the shelf of sessions: of each answer at most 4 MiB, and a quarter of the shelf. */
export function piecesOn(
  shelf: Pick<Shelf<PiecesCell>, 'put' | 'delete'>,
  get: (operation: string, key: string) => Held<PiecesCell> | undefined,
  now: () => number,
  share: Share,
): PiecesShelf {
  const most = Math.min(longest, share.bytes / 4)
  return {
    keep(key, { last, bytes }, keepMs) {
      const old = get('write', key)?.cell
      const batches = old?.batches ?? []
      if (last <= (batches.at(-1)?.last ?? 0)) return false
      const added = { last, packed: pack(bytes) }
      let size = (old?.bytes ?? cellBytes) + sizeOf(added)
      let over = 0
      // The oldest go; whoever comes later begins where the pieces begin.
      while (size > most && over < batches.length) {
        size -= sizeOf(batches[over] as KeptBatch)
        over += 1
      }
      const kept = over === 0 ? batches : batches.slice(over)
      shelf.put('write', key, { kind: 'pieces', bytes: size, batches: kept }, now() + keepMs)
      kept.push(added)
      return true
    },
    after(key, piece) {
      const batches = get('look', key)?.cell.batches ?? []
      const from = batches.findIndex(({ last }) => last > piece)
      return from < 0
        ? []
        : batches.slice(from).map(({ last, packed }) => ({ last, bytes: unpack(packed) }))
    },
    end(key, keepMs) {
      const held = get('end', key)
      if (held) held.expiresAt = now() + keepMs
    },
    delete: (key) => void shelf.delete(key),
  }
}

function sizeOf({ packed }: KeptBatch): number {
  return batchBytes + packed.length
}

import { LRUCache } from 'lru-cache'
import type { Entries, KeptEntry } from '../ports/entries.ts'
import { decodeEntry, type Entry, type Place } from './entry.ts'

/** Entries as this process has read them last. */
export interface Decoded {
  /**
   * The entry in what a store gives for this place; `undefined` for damage. Where it gives the same
   * again, byte for byte, nothing is hashed and parsed again. Everybody gets the same entry: whoever
   * hands its bytes to code that may change them copies them first.
   */
  read(place: Place, kept: KeptEntry): Entry | undefined
  /** Nothing stands there any more. */
  forget(place: Place): void
}

// Of all entries of one store, beside what is at hand as L1 and what an embedded store keeps.
const mostBytes = 8 * 1024 * 1024

/** Of each entry: what it takes beside its bytes. */
const entryBytes = 1024

interface Read {
  readonly source: object | undefined
  readonly head: Buffer
  readonly entry: Entry
}

const known = new WeakMap<Entries, Decoded>()

/** What was read of the entries of a store: all who share the store share it. */
export function decodedOf(entries: Entries): Decoded {
  const decoded = known.get(entries) ?? createDecoded()
  known.set(entries, decoded)
  return decoded
}

function createDecoded(): Decoded {
  const reads = new LRUCache<string, Read>({
    maxSize: mostBytes,
    maxEntrySize: mostBytes / 4,
    // The head is there twice: as bytes, and as what was read of them.
    sizeCalculation: ({ head, entry }) => 2 * head.length + entry.body.length + entryBytes,
  })

  return {
    read(place, kept) {
      const name = placeName(place)
      const before = reads.get(name)
      if (before !== undefined && isSame(before, kept)) return before.entry
      const entry = decodeEntry(place, kept)
      if (entry === undefined) {
        reads.delete(name)
        return undefined
      }
      // What comes from a connection is a window on a packet: kept, it would keep all of that.
      const read = { ...entry, body: copyOf(entry.body) }
      reads.set(name, { source: kept.source, head: copyOf(kept.head), entry: read })
      return read
    },
    forget: (place) => void reads.delete(placeName(place)),
  }
}

/** Bytes that are equal to those that were found sound are as sound. */
function isSame({ source, head, entry }: Read, kept: KeptEntry): boolean {
  if (source !== undefined && source === kept.source) return true
  return head.equals(kept.head) && entry.body.equals(kept.body)
}

/** One text for a place: keys hold no spaces. */
export function placeName({ key, variant }: Place): string {
  return variant === '' ? key : `${key} ${variant}`
}

/** Bytes that nobody else has. */
export function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(copy)
  return copy
}

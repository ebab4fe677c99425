import { LRUCache } from 'lru-cache'
import type { Purge } from '../../ports/entries.ts'

/** When marks were purged, on a clock that never tells the same moment twice. */
export interface Purges {
  /** Microseconds; more than ever before. */
  clock(): number
  purge(mark: string, soft: boolean): void
  of(mark: string): Purge
  clear(): void
}

const never: Purge = { hard: 0, soft: 0 }

// Map entry, list links and the purge, on Node 20.
const overhead = 250

/**
 * Remembers purges within so many bytes, estimated. Of a mark for which there is no room any more,
 * and of those that were never purged, it says that they were purged when the newest such mark was:
 * too much is made anew then, but no purge is ever forgotten. They stand beside the keyspace, so that
 * no pattern deletes them.
 */
export function createPurges(now: () => number, mostBytes: number): Purges {
  let floor = never
  let last = 0
  const marks = new LRUCache<string, Purge>({
    maxSize: mostBytes,
    sizeCalculation: (_purge, mark) => sizeOf(mark),
    dispose(purge, _mark, reason) {
      if (reason === 'evict') floor = later(floor, purge)
    },
  })

  const clock = () => {
    last = Math.max(last + 1, Math.floor(now() * 1000))
    return last
  }
  const of = (mark: string) => {
    const purge = marks.get(mark)
    return purge === undefined ? floor : later(floor, purge)
  }

  return {
    clock,
    purge(mark, soft) {
      const at = clock()
      const old = of(mark)
      const purge = soft ? { hard: old.hard, soft: at } : { hard: at, soft: old.soft }
      if (sizeOf(mark) > mostBytes) floor = later(floor, purge)
      else marks.set(mark, purge)
    },
    of,
    clear: () => marks.clear(),
  }
}

function later(one: Purge, other: Purge): Purge {
  return { hard: Math.max(one.hard, other.hard), soft: Math.max(one.soft, other.soft) }
}

function sizeOf(mark: string): number {
  return overhead + 2 * mark.length
}

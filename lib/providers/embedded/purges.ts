import type { Purge } from '../../ports/entries.ts'

/** When marks were purged, on a clock that never tells the same moment twice. */
export interface Purges {
  /** Microseconds; more than ever before. */
  clock(): number
  purge(mark: string, soft: boolean): void
  of(mark: string): Purge
  clear(): void
}

/** How many marks are remembered one by one. */
interface PurgeBounds {
  readonly entries: number
  /** Of their names, estimated. */
  readonly bytes: number
}

const never: Purge = { hard: 0, soft: 0 }

// Map entry, the purge and the string's own, on Node 20.
const markBytes = 160

/**
 * Remembers purges within bounds. Of a mark for which there is no room any more, and of those that
 * were never purged, it says that they were purged when the newest such mark was: too much is made
 * anew then, but no purge is ever forgotten. They stand beside the keyspace, so that no pattern
 * deletes them.
 */
export function createPurges(now: () => number, { entries, bytes }: PurgeBounds): Purges {
  const marks = new Map<string, Purge>()
  let size = 0
  let floor = never
  let last = 0

  const clock = () => {
    last = Math.max(last + 1, Math.floor(now() * 1000))
    return last
  }

  function remove(mark: string, purge: Purge): void {
    marks.delete(mark)
    size -= sizeOf(mark)
    floor = later(floor, purge)
  }

  return {
    clock,
    purge(mark, soft) {
      const at = clock()
      const old = marks.get(mark)
      // Anew at the end: those that were purged longest ago go first.
      if (old === undefined) size += sizeOf(mark)
      else marks.delete(mark)
      const { hard, soft: softly } = old ?? floor
      marks.set(mark, soft ? { hard, soft: at } : { hard: at, soft: softly })
      for (const [oldest, purge] of marks) {
        if (marks.size <= entries && size <= bytes) break
        remove(oldest, purge)
      }
    },
    of: (mark) => later(floor, marks.get(mark) ?? never),
    clear() {
      marks.clear()
      size = 0
    },
  }
}

function later(one: Purge, other: Purge): Purge {
  return { hard: Math.max(one.hard, other.hard), soft: Math.max(one.soft, other.soft) }
}

function sizeOf(mark: string): number {
  return markBytes + 2 * mark.length
}

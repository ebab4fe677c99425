/** When marks were purged, as far as this process knows: by its own clock, in milliseconds. */
export interface PurgeTimes {
  /** What carries one of the marks, and began until `now`, is purged. */
  note(marks: readonly string[], now: number): void
  /** Whether what began then was purged since by one of its marks, or may have been. */
  isPast(marks: readonly string[], began: number): boolean
  /** Whether one mark is known to have been purged since then. */
  wasNoted(mark: string, began: number): boolean
  /** Whatever began until `now` may have been purged. */
  forget(now: number): void
}

/**
 * Remembers purges without growing: above `most` marks it lets go of those that are older than
 * `keptMs`, and where that does not help, of all. What began before a purge that it let go of counts
 * as purged.
 */
export function purgeTimes({ most, keptMs }: { most: number; keptMs: number }): PurgeTimes {
  // In the order in which they were purged last.
  const times = new Map<string, number>()
  let floor = Number.NEGATIVE_INFINITY

  // What is known of single marks stays: `wasNoted` tells of nothing else.
  function forget(now: number): void {
    floor = Math.max(floor, now)
  }

  function shrink(now: number): void {
    for (const [mark, at] of times) {
      if (at > now - keptMs) break
      times.delete(mark)
      floor = Math.max(floor, at)
    }
    if (times.size <= most) return
    forget(now)
    times.clear()
  }

  const wasNoted = (mark: string, began: number): boolean => {
    const at = times.get(mark)
    return at !== undefined && at >= began
  }

  return {
    wasNoted,
    note(marks, now) {
      for (const mark of marks) {
        times.delete(mark)
        times.set(mark, now)
      }
      if (times.size > most) shrink(now)
    },
    isPast: (marks, began) => began <= floor || marks.some((mark) => wasNoted(mark, began)),
    forget,
  }
}

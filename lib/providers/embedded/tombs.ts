import type { Forgotten } from '../../ports/history.ts'

const standsMs = 5000

/** Owners whose conversations are being forgotten: nothing is written for them. */
export interface Tombs {
  raise(gone: string): void
  /** What a write answers, while the tombstone stands. */
  at(gone: string): Forgotten | undefined
}

/** Tombstones fall by themselves after five seconds. */
export function createTombs(now: () => number): Tombs {
  const standing = new Map<string, number>()
  return {
    raise(gone) {
      for (const [key, until] of standing) {
        if (until > now()) break
        standing.delete(key)
      }
      // Anew at the end: the map is in the order in which they fall.
      standing.delete(gone)
      standing.set(gone, now() + standsMs)
    },
    at: (gone) => ((standing.get(gone) ?? 0) > now() ? { kind: 'forgotten' } : undefined),
  }
}

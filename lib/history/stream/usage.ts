import { combined } from './shape.ts'

/** Counts what the messages of one answer used, in whatever form the provider states it. */
export interface Usage {
  /** The message uses this much; what it said before no longer counts, but for fields not named again. */
  set(stated: unknown): void
  /** The message uses this much more. */
  add(stated: unknown): void
  /** The next message begins. */
  next(): void
  /** All messages together; `undefined` where nothing was stated. */
  total(): unknown
}

/** Makes a count at nothing. */
export function usage(): Usage {
  let before: unknown
  let current: unknown
  return {
    set(stated) {
      current = combined(current, stated ?? undefined, latest)
    },
    add(stated) {
      current = combined(current, stated ?? undefined, sum)
    },
    next() {
      before = combined(before, current, sum)
      current = undefined
    },
    total: () => combined(before, current, sum),
  }
}

function latest(before: unknown, now: unknown): unknown {
  return now ?? before
}

function sum(before: unknown, now: unknown): unknown {
  return typeof before === 'number' && typeof now === 'number' ? before + now : (now ?? before)
}

import type { BudgetRule, Settlement } from '../../ports/budgets.ts'
import type { Settled, Tally } from './tally.ts'
import { slidingCell, twelfthsOf, twelfthsTally } from './twelfths.ts'

/** How many units keep a time of their own. */
export const exactUpTo = 24

/**
 * A sliding window that keeps the time of each unit, so that a client which paces itself exactly is
 * never refused. A debt that makes it longer than that turns it into twelfths of a window.
 */
export function exactTally(stored: readonly number[], rule: BudgetRule, at: number): Tally {
  const { limit, windowMs } = rule
  // A time that lies ahead, as a clock that was set back leaves it, counts as now.
  const times = stored.map((time) => Math.min(time, at)).filter((time) => at - time < windowMs)
  const used = times.length
  const backMs = (time: number) => time + windowMs - at

  function settled({ mark, charged, cost }: Settlement): Settled | undefined {
    if (at - mark >= windowMs) return undefined
    const [before, same, after] = split(times, mark)
    const units = Math.max(0, same + cost - charged)
    if (used - same + units > exactUpTo) {
      const corrected = { ...rule, mark, charged: same, cost: units }
      return twelfthsTally(twelfthsOf(times, windowMs), rule, at).settled(corrected)
    }
    const next = [...before, ...repeated(mark, units), ...after]
    return { tally: exactTally(next, rule, at), mark }
  }

  const tally: Tally = {
    used,
    remaining: Math.max(0, limit - used),
    resetMs: used > 0 ? backMs(times[Math.max(0, used - limit)] ?? at) : 0,
    mark: at,
    isAhead: (stored.at(-1) ?? at) > at,
    waitMs(cost) {
      const missing = used + cost - limit
      if (missing <= 0) return 0
      return cost > limit ? Number.POSITIVE_INFINITY : backMs(times[missing - 1] ?? at)
    },
    charged(cost) {
      const [before, same, after] = split(times, at)
      return exactTally([...before, ...repeated(at, same + cost), ...after], rule, at)
    },
    settled,
    kept() {
      if (used === 0) return undefined
      return { cell: slidingCell(true, times), endsAt: (times.at(-1) ?? at) + windowMs }
    },
  }
  return tally
}

/** The times before that one, how often it is there, and those after it. */
function split(times: readonly number[], mark: number): [number[], number, number[]] {
  const before = times.filter((time) => time < mark)
  const after = times.filter((time) => time > mark)
  return [before, times.length - before.length - after.length, after]
}

function repeated(time: number, units: number): number[] {
  return Array.from({ length: units }, () => time)
}

import type { BudgetRule } from '../../ports/budgets.ts'
import { exactTally, exactUpTo } from './exact.ts'
import type { SlidingCell, Tally } from './tally.ts'
import { twelfthsOf, twelfthsTally } from './twelfths.ts'

/**
 * A sliding window: exact times for limits of up to 24, twelfths above. A limit may pass 24 while
 * its key is in use: times become twelfths, and twelfths stay until they are over.
 */
export function slidingTally(cell: SlidingCell | undefined, rule: BudgetRule, at: number): Tally {
  if (cell?.exact === false) {
    const tally = twelfthsTally(cell.numbers, rule, at)
    if (tally.used > 0 || rule.limit > exactUpTo) return tally
    return exactTally([], rule, at)
  }
  const times = cell?.numbers ?? []
  return rule.limit > exactUpTo
    ? twelfthsTally(twelfthsOf(times, rule.windowMs), rule, at)
    : exactTally(times, rule, at)
}

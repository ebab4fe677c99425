import type { BudgetRule, Settlement } from '../../ports/budgets.ts'
import type { Held } from './shelf.ts'
import type { CounterCell, Settled, Tally } from './tally.ts'

// Little more than what the shelf counts of a cell. Measured on Node 20.
const cellBytes = 8

/** A window that begins with its first charge; it keeps its end also when all is given back. */
export function fixedTally(
  held: Held<CounterCell> | undefined,
  rule: BudgetRule,
  at: number,
): Tally {
  const count = held?.cell.count ?? 0
  // A clock that was set back by little must not cost anybody a settlement: marks are ends.
  if (held !== undefined && held.expiresAt > at + rule.windowMs + 1000)
    return { ...windowTally({ count, endsAt: at + rule.windowMs }, rule, at), isAhead: true }
  return windowTally({ count, endsAt: held?.expiresAt }, rule, at)
}

interface Window {
  readonly count: number
  /** `undefined` before the first charge. */
  readonly endsAt: number | undefined
}

function windowTally({ count, endsAt }: Window, rule: BudgetRule, at: number): Tally {
  const { limit, windowMs } = rule
  const leftMs = endsAt === undefined ? 0 : endsAt - at

  function settled({ mark, charged, cost }: Settlement): Settled | undefined {
    const until = endsAt ?? mark
    const same = mark === until || (charged === 0 && began(until, mark))
    if (!same || until <= at) return undefined
    const next = Math.max(0, count + cost - charged)
    const end = next > 0 ? until : endsAt
    return { tally: windowTally({ count: next, endsAt: end }, rule, at), mark: until }
  }

  // A charge of nothing begins no window: what it costs after all counts in the one that runs by now.
  function began(until: number, mark: number): boolean {
    return mark > at && Math.abs(until - mark) < windowMs
  }

  const tally: Tally = {
    used: count,
    remaining: Math.max(0, limit - count),
    resetMs: count > 0 ? leftMs : 0,
    mark: endsAt ?? at + windowMs,
    waitMs(cost) {
      if (count + cost <= limit) return 0
      return cost > limit ? Number.POSITIVE_INFINITY : leftMs
    },
    charged: (cost) =>
      windowTally({ count: count + cost, endsAt: endsAt ?? at + windowMs }, rule, at),
    settled,
    kept() {
      if (endsAt === undefined) return undefined
      return { cell: { kind: 'counter', bytes: cellBytes, count }, endsAt }
    },
  }
  return tally
}

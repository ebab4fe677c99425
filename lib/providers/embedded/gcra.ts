import type { BudgetRule, Settlement } from '../../ports/budgets.ts'
import type { LevelCell, Settled, Tally } from './tally.ts'

// Its two numbers; the shelf counts the cell. Measured on Node 20.
const cellBytes = 24

// Less than this is nothing: sums of fractions are never quite exact.
const nothing = 1e-6

/**
 * The generic cell rate algorithm as a leaking bucket (ITU-T I.371, continuous-state form): it
 * drains `limit` in a window, and holds up to `burst`.
 */
export function gcraTally(cell: LevelCell | undefined, rule: BudgetRule, at: number): Tally {
  const drained = cell === undefined ? 0 : Math.max(0, at - cell.at) * (rule.limit / rule.windowMs)
  const tally = levelTally(Math.max(0, (cell?.level ?? 0) - drained), rule, at)
  return cell !== undefined && cell.at > at ? { ...tally, isAhead: true } : tally
}

function levelTally(level: number, rule: BudgetRule, at: number): Tally {
  const { limit, windowMs, burst = limit } = rule
  const perMs = limit / windowMs
  const remaining = Math.max(0, Math.floor(burst - level + nothing))
  // In microseconds, as a server tells them: whole, and fine enough for high rates.
  const mark = Math.ceil((at + level / perMs) * 1000)
  // By then there is room, whichever way the sums are rounded.
  const drainMs = (amount: number) => Math.max(1, Math.ceil((amount - nothing / 2) / perMs))

  // What the charge has brought is drained at the mark: what it really brought is, so much later.
  function settled({ mark: drained, charged, cost }: Settlement): Settled | undefined {
    if (drained === 0) return undefined
    const before = (drained / 1000 - at) * perMs
    const after = before + cost - charged
    const next = Math.max(0, level + Math.max(0, after) - Math.max(0, before))
    const later = Math.ceil(((cost - charged) / perMs) * 1000)
    return { tally: levelTally(next, rule, at), mark: Math.max(1, drained + later) }
  }

  const tally: Tally = {
    used: Math.max(0, Math.ceil(level - nothing)),
    remaining,
    resetMs: level > nothing ? drainMs(level - burst + remaining + 1) : 0,
    mark,
    waitMs(cost) {
      const over = level + cost - burst
      if (over <= nothing) return 0
      return cost > burst ? Number.POSITIVE_INFINITY : drainMs(over)
    },
    charged: (cost) => levelTally(level + cost, rule, at),
    settled,
    kept() {
      if (level <= nothing) return undefined
      return { cell: { kind: 'level', bytes: cellBytes, level, at }, endsAt: at + level / perMs }
    },
  }
  return tally
}

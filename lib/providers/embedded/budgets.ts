import type { Budget, Budgets, Lease, Settlement } from '../../ports/budgets.ts'
import { chargingNow } from '../../ports/charge-now.ts'
import { blocked } from './blocks.ts'
import { type BudgetRoom, type BudgetShelf, budgetShelf } from './budget-shelf.ts'
import { chargePlan, standing } from './charge-plan.ts'
import type { Keyspace } from './keyspace.ts'
import type { Tally } from './tally.ts'

// Whether something could still be used is another's question: no lease has this name.
const newcomer = ['\0']

/** Budgets in this process: each call is one step, as nothing else runs meanwhile. */
export function embeddedBudgets(keyspace: Keyspace, room: BudgetRoom): Budgets {
  const shelf = budgetShelf(keyspace, room)
  return {
    charge: chargingNow((charges) => {
      const { at, writes, budgets } = chargePlan(shelf, charges)
      shelf.write('charge', writes, at)
      return budgets
    }),
    peek: async (charges) => standing(shelf, charges),
    async settle(settlements) {
      const at = shelf.now()
      const marks = settlements.map((each) => settle(shelf, each, at))
      return settlements.map((each, place) =>
        settledBudget(shelf.tally('settle', each, { at, leases: newcomer }), marks[place] ?? 0),
      )
    },
    async renew(leases) {
      const at = shelf.now()
      for (const lease of leases) renew(shelf, lease, at)
    },
    async block(keys, forMs) {
      const at = shelf.now()
      const block = (key: string) => blocked(shelf.blocks('block', key, at), forMs, at)
      shelf.write(
        'block',
        keys.map((key) => [key, block(key)] as const),
        at,
      )
    },
    async clear(keys) {
      for (const key of keys) shelf.remove(key)
    },
  }
}

/** Gives the mark of the charge from now on. */
function settle(shelf: BudgetShelf, settlement: Settlement, at: number): number {
  const settled = shelf.tally('settle', settlement, { at }).settled(settlement)
  if (settled === undefined) return 0
  if (settlement.cost !== settlement.charged) {
    const kept = settled.tally.kept()
    if (kept === undefined) shelf.remove(settlement.key)
    else shelf.write('settle', [[settlement.key, kept]], at)
  }
  return settled.mark
}

function settledBudget(tally: Tally, mark: number): Budget {
  const { used, remaining } = tally
  const resetMs = Math.ceil(tally.resetMs)
  const retryMs = Math.ceil(tally.waitMs(1))
  return { allowed: retryMs === 0, used, remaining, resetMs, retryMs, blockedMs: 0, mark }
}

function renew(shelf: BudgetShelf, { key, lease, leaseMs }: Lease, at: number): void {
  const rule = { key, lease, algorithm: 'concurrency', limit: 1, windowMs: leaseMs } as const
  const kept = shelf.tally('renew', rule, { at }).charged(1).kept()
  if (kept) shelf.write('renew', [[key, kept]], at)
}

import type { Budgets, Settlement } from '../../lib/index.ts'
import { type Mutant, turn } from './mutant.ts'

const shapes = ['sliding, a few', 'sliding, many', 'fixed', 'gcra']

function inEachShape(fact: string): string[] {
  return shapes.map((shape) => `a settled charge (${shape}) › ${fact}`)
}

const over = 'is left as it is when its window is over: the next admits no more than the limit'

/** Faults in settlements. */
export const settlingMutants: readonly Mutant[] = [
  {
    fault: 'gives nothing back',
    change: each((one) => ({ ...one, cost: Math.max(one.cost, one.charged) })),
    caughtBy: [
      ...inEachShape('gives back what it did not come to, and not more'),
      ...inEachShape('is given back whole at a cost of 0'),
    ],
  },
  {
    fault: 'drops debts',
    change: each((one) => ({ ...one, cost: Math.min(one.cost, one.charged) })),
    caughtBy: inEachShape('owes what it came to above what was charged'),
  },
  {
    fault: 'stops debts at the limit',
    change: each((one) => ({ ...one, cost: Math.min(one.cost, one.limit) })),
    caughtBy: inEachShape('owes what it came to above what was charged'),
  },
  {
    fault: 'adds what a charge came to, on top of what was charged',
    change: each((one) => ({ ...one, charged: 0 })),
    caughtBy: [
      ...inEachShape('gives back what it did not come to, and not more'),
      ...inEachShape('is settled again from what it came to before'),
    ],
  },
  {
    fault: 'gives back a unit too many',
    change: each((one) => (one.cost === 0 ? { ...one, charged: one.charged + 1 } : one)),
    caughtBy: [
      'a settled charge (sliding, many) › leaves other charges alone',
      'a settled charge (fixed) › leaves other charges alone',
    ],
  },
  {
    fault: 'gives back into whatever window there is',
    // Nothing but a newer mark finds what is there now.
    change: ({ budgets }) => {
      const newest = new Map<string, number>()
      return {
        budgets: {
          ...budgets,
          async charge(charges) {
            const charged = await budgets.charge(charges)
            for (const [at, { key }] of charges.entries())
              newest.set(key, charged[at]?.mark || (newest.get(key) ?? 0))
            return charged
          },
          settle: (settlements) =>
            budgets.settle(
              settlements.map((one) => ({ ...one, mark: newest.get(one.key) ?? one.mark })),
            ),
        },
      }
    },
    caughtBy: inEachShape(over),
  },
  {
    fault: 'forgets the whole budget where a charge is given back',
    change: settling(async (settlements, { settle, clear }) => {
      const back = settlements.filter(({ cost }) => cost === 0)
      await clear(back.map(({ key }) => key))
      return settle(settlements)
    }),
    caughtBy: [
      ...inEachShape('leaves other charges alone'),
      'a settled charge (fixed) that is given back whole › goes on with the same window',
    ],
  },
  {
    fault: 'settles in two steps',
    change: settling(async (settlements, { charge, settle, clear }) => {
      const looks = settlements.map((one) => ({ ...one, cost: 0, limit: one.limit * 1e6 }))
      const before = await charge(looks)
      await turn()
      await clear(settlements.map(({ key }) => key))
      await charge(
        settlements.map((one, at) => ({
          ...one,
          limit: one.limit * 1e6,
          burst: one.limit * 1e6,
          cost: Math.max(0, (before[at]?.used ?? 0) + one.cost - one.charged),
        })),
      )
      return settle(settlements.map((one) => ({ ...one, cost: one.charged })))
    }),
    caughtBy: inEachShape('loses none of many at once'),
  },
  {
    fault: 'tells the mark of a debt as if there were none',
    change: settling(async (settlements, { settle }) =>
      (await settle(settlements)).map((budget, at) => ({
        ...budget,
        mark: budget.mark && (settlements[at]?.mark ?? 0),
      })),
    ),
    caughtBy: ['a settled charge (gcra) › is settled again from what it came to before'],
  },
  {
    fault: 'gives back what has come back by itself',
    change: ({ budgets }) => ({
      budgets: {
        ...budgets,
        settle: (settlements) =>
          budgets.settle(settlements.map((one) => ({ ...one, mark: one.mark + 1e9 }))),
      },
    }),
    caughtBy: [
      'a budget that comes back evenly › gives back of a charge only what has not come back by itself',
    ],
  },
]

function each(change: (one: Settlement) => Settlement): Mutant['change'] {
  return settling((settlements, { settle }) => settle(settlements.map(change)))
}

function settling(
  settle: (settlements: readonly Settlement[], sound: Budgets) => ReturnType<Budgets['settle']>,
): Mutant['change'] {
  return ({ budgets }) => ({
    budgets: { ...budgets, settle: (settlements) => settle(settlements, budgets) },
  })
}

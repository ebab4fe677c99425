import type { Budget, Budgets, Charge } from '../../lib/index.ts'
import { type Mutant, turn } from './mutant.ts'

const shapes = ['sliding, a few', 'sliding, many', 'fixed', 'gcra']

function inEachShape(fact: string): string[] {
  return shapes.map((shape) => `a budget (${shape}) › ${fact}`)
}

/** Faults in budgets. */
export const budgetsMutants: readonly Mutant[] = [
  {
    fault: 'charges part when one of several has no room',
    change: charging(async (charges, { charge }) => {
      const budgets: Budget[] = []
      for (const each of charges) budgets.push(...(await charge([each])))
      return budgets
    }),
    caughtBy: ['several budgets › charges all, or none when one has no room'],
  },
  {
    fault: 'counts two charges on one key apart',
    change: charging(async (charges, { charge }) =>
      (await Promise.all(charges.map((each) => charge([each])))).flat(),
    ),
    caughtBy: ['several budgets › counts two charges on one key together'],
  },
  {
    fault: 'looks and charges in two steps',
    change: charging(async (charges, { charge }) => {
      const before = await charge(charges.map((each) => ({ ...each, cost: 0 })))
      await turn()
      if (charges.some(({ limit, cost }, at) => (before[at]?.used ?? 0) + cost > limit))
        return charge(charges)
      const after = await charge(charges.map((each) => ({ ...each, limit: each.limit * 1000 })))
      return after.map((budget) => ({ ...budget, allowed: true }))
    }),
    caughtBy: inEachShape('lets exactly the limit of many at once pass'),
  },
  {
    fault: 'writes what it refuses',
    change: charging(async (charges, { charge }) => {
      const budgets = await charge(charges)
      const refused = charges.filter((_, at) => budgets[at]?.allowed === false)
      await charge(refused.map((each) => ({ ...each, limit: each.limit * 1000 })))
      return budgets
    }),
    caughtBy: inEachShape('writes nothing for a refused charge'),
  },
  {
    fault: 'charges 1 for only looking',
    change: charging((charges, { charge }) =>
      charge(charges.map((each) => ({ ...each, cost: each.cost || 1 }))),
    ),
    caughtBy: inEachShape('only looks at a cost of 0'),
  },
  {
    fault: 'charges when it is only to peek',
    change: ({ budgets }) => ({ budgets: { ...budgets, peek: budgets.charge } }),
    caughtBy: [
      ...inEachShape(
        'peeks at how it stands and whether a charge would have room, and writes nothing',
      ),
      'a budget of slots › only looks at a cost of 0, and in a peek',
    ],
  },
  {
    fault: 'peeks at a budget without asking whether the charge has room',
    change: ({ budgets }) => ({
      budgets: {
        ...budgets,
        peek: (charges) => budgets.peek(charges.map((each) => ({ ...each, cost: 0 }))),
      },
    }),
    caughtBy: inEachShape(
      'peeks at how it stands and whether a charge would have room, and writes nothing',
    ),
  },
  {
    fault: 'tells no mark where nothing was charged',
    change: charging(async (charges, { charge }) =>
      (await charge(charges)).map((budget, at) =>
        charges[at]?.cost === 0 ? { ...budget, mark: 0 } : budget,
      ),
    ),
    caughtBy: inEachShape('only looks at a cost of 0'),
  },
  {
    fault: 'allows a cost above the limit when nothing is used',
    change: charging(async (charges, { charge }) =>
      charge(charges.map((each) => ({ ...each, cost: Math.min(each.cost, each.limit) }))),
    ),
    caughtBy: inEachShape('never allows a cost above the limit'),
  },
  {
    fault: 'tells a mark also where the charge was refused',
    change: told((budget) => ({ ...budget, mark: budget.mark || 1 })),
    caughtBy: inEachShape('tells when a refused charge could pass'),
  },
  {
    fault: 'tells no wait',
    change: told((budget) => ({ ...budget, retryMs: 0 })),
    caughtBy: inEachShape('tells when a refused charge could pass'),
  },
  {
    fault: 'tells waits in seconds',
    change: told((budget) => ({ ...budget, resetMs: budget.resetMs / 1000 })),
    caughtBy: inEachShape('tells what is used, what remains, and when more comes back').slice(0, 3),
  },
  {
    fault: 'counts what is used as what remains',
    change: told(({ used, remaining, ...budget }) => ({
      ...budget,
      used: remaining,
      remaining: used,
    })),
    caughtBy: inEachShape('tells what is used, what remains, and when more comes back'),
  },
  {
    fault: 'counts sliding windows as fixed ones',
    change: charging((charges, { charge }) =>
      charge(charges.map((each) => ({ ...each, algorithm: 'fixed' }))),
    ),
    caughtBy: [
      'a budget (sliding, a few) › comes back with the window of each charge, not of the first',
      'a budget (sliding, many) › comes back with the window of each charge, not of the first',
    ],
  },
  {
    fault: 'never gives back',
    change: charging((charges, { charge }) =>
      charge(charges.map((each) => ({ ...each, windowMs: each.windowMs * 60 }))),
    ),
    caughtBy: inEachShape('tells what is used, what remains, and when more comes back'),
  },
  {
    fault: 'forgets no budget',
    change: ({ budgets }) => ({ budgets: { ...budgets, clear: async () => {} } }),
    caughtBy: inEachShape('forgets a budget that is cleared'),
  },
  {
    fault: 'forgets a part of a window too soon',
    change: charging((charges, { charge }) =>
      charge(
        charges.map((each) =>
          each.algorithm === 'sliding'
            ? { ...each, windowMs: Math.floor((each.windowMs * 10) / 12) }
            : each,
        ),
      ),
    ),
    caughtBy: ['sliding, a few', 'sliding, many'].map(
      (shape) =>
        `a budget (${shape}) › lets nothing more pass before a window is over, wherever it began`,
    ),
  },
  {
    fault: 'begins a budget anew when its limit changes',
    change: charging((charges, { charge }) =>
      charge(charges.map((each) => ({ ...each, key: `${each.key}:${each.limit}` }))),
    ),
    caughtBy: [
      'a sliding budget whose limit changes › counts what was used of 20 against 40',
      'a sliding budget whose limit changes › counts what was used of 40 against 20',
    ],
  },
]

function charging(
  charge: (charges: readonly Charge[], sound: Budgets) => ReturnType<Budgets['charge']>,
): Mutant['change'] {
  return ({ budgets }) => ({
    budgets: { ...budgets, charge: (charges) => charge(charges, budgets) },
  })
}

function told(change: (budget: Budget) => Budget): Mutant['change'] {
  return charging(async (charges, { charge }) => (await charge(charges)).map(change))
}

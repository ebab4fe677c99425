import type { Budget, Budgets, Charge } from '../../lib/index.ts'
import type { Mutant } from './mutant.ts'

/** Faults in shadows, bursts, slots and blocks. */
export const holdingMutants: readonly Mutant[] = [
  {
    fault: 'lets a shadow stop others',
    change: charges((each) => ({ ...each, shadow: false })),
    caughtBy: [
      'a budget in the shadow › tells that it has no room, takes nothing, and stops nobody',
      'a budget that may be blocked › stops the others when it is blocked, but not from the shadow',
    ],
  },
  {
    fault: 'charges a shadow where others refuse',
    change: charging(async (all, { charge }) => {
      const budgets = await charge(all)
      const refused = all.some(({ shadow }, at) => !shadow && budgets[at]?.allowed === false)
      if (!refused) return budgets
      await charge(all.filter(({ shadow }) => shadow))
      return charge(all.map((each) => ({ ...each, cost: each.shadow ? 0 : each.cost })))
    }),
    caughtBy: ['a budget in the shadow › takes nothing where another refuses'],
  },
  {
    fault: 'knows no burst',
    change: charges((each) => ({ ...each, burst: each.limit })),
    caughtBy: [
      'a budget that comes back evenly › lets as much pass at once as its burst, below or above the limit',
      'a budget that comes back evenly › never allows a cost above the burst',
    ],
  },
  {
    fault: 'counts what should come back evenly in fixed windows',
    change: charges((each) =>
      each.algorithm === 'gcra'
        ? { ...each, algorithm: 'fixed', limit: each.burst ?? each.limit }
        : each,
    ),
    caughtBy: [
      'a budget that comes back evenly › lets pass whoever waits for as long as was told, at the pace of the limit',
    ],
  },
  {
    fault: 'holds a slot for each charge, also of one lease',
    change: numbered(),
    caughtBy: ['a budget of slots › holds one slot for a lease, however often it is charged'],
  },
  {
    fault: 'does not free slots that are given back',
    change: ({ budgets }) => ({
      budgets: {
        ...budgets,
        settle: (settlements) =>
          budgets.settle(settlements.map((each) => ({ ...each, lease: 'nobody' }))),
      },
    }),
    caughtBy: [
      'a budget of slots › has a slot free where one is given back, once',
      'a budget of slots › is unused when all are given back',
    ],
  },
  {
    fault: 'holds slots for ever',
    change: charges((each) => ({ ...each, windowMs: each.windowMs * 1e6 })),
    caughtBy: ['a budget of slots › has a slot free when its lease ends, and not before'],
  },
  {
    fault: 'holds every slot for as long as the longest lease among them',
    change: lengthened(),
    caughtBy: ['a budget of slots › has a slot free when its lease ends while others go on'],
  },
  {
    fault: 'renews no lease',
    change: ({ budgets }) => ({ budgets: { ...budgets, renew: async () => {} } }),
    caughtBy: [
      'a budget of slots › goes on holding a slot that is renewed',
      'a budget of slots › holds a slot again that was lost before it was renewed',
    ],
  },
  {
    fault: 'renews only what is still held',
    change: ({ budgets, exists }) => ({
      budgets: {
        ...budgets,
        async renew(leases) {
          for (const lease of leases) if (await exists([lease.key])) await budgets.renew([lease])
        },
      },
    }),
    caughtBy: ['a budget of slots › holds a slot again that was lost before it was renewed'],
  },
  {
    fault: 'never blocks',
    change: charges(({ block: _, ...each }) => each),
    caughtBy: [
      'a budget that may be blocked › is blocked by so many refusals, and tells for how long',
      'a budget that may be blocked › is blocked when told so, and keeps what was used',
    ],
  },
  {
    fault: 'blocks with the first refusal',
    change: charges(({ block, ...each }) => ({
      ...each,
      block: block && { ...block, after: block.after && 1 },
    })),
    caughtBy: [
      'a budget that may be blocked › is blocked by so many refusals, and tells for how long',
      'a budget that may be blocked › counts refusals of one window together, and of no longer',
    ],
  },
  {
    fault: 'blocks also where only blocks by hand are asked for',
    change: charges(({ block, ...each }) => ({
      ...each,
      block: block && { after: 5, forMs: 60_000, ...block },
    })),
    caughtBy: [
      'a budget that may be blocked › is never blocked by refusals where none are to count',
    ],
  },
  {
    fault: 'counts refusals for ever',
    change: charges((each) =>
      each.block?.after === undefined ? each : { ...each, windowMs: each.windowMs * 1000 },
    ),
    caughtBy: [
      'a budget that may be blocked › counts refusals of one window together, and of no longer',
    ],
  },
  {
    fault: 'counts a peek as a refusal',
    change: ({ budgets }) => ({
      budgets: {
        ...budgets,
        async peek(all) {
          await budgets.charge(all.filter(({ cost, limit }) => cost > limit))
          return budgets.peek(all)
        },
      },
    }),
    caughtBy: [
      'a budget that may be blocked › counts no refusal that another budget was the reason of, and no peek',
    ],
  },
  {
    fault: 'does not double blocks',
    change: blocks((block) => ({ ...block, doubles: false })),
    caughtBy: [
      'a budget that may be blocked › is blocked for twice as long each time, while the last block is remembered',
    ],
  },
  {
    fault: 'doubles all blocks',
    change: blocks((block) => ({ ...block, doubles: true })),
    caughtBy: [
      'a budget that may be blocked › is blocked for as long each time where blocks do not double',
    ],
  },
  {
    fault: 'does not say how long a block lasts',
    change: charging(async (all, { charge }) =>
      (await charge(all)).map((budget): Budget => ({ ...budget, blockedMs: 0 })),
    ),
    caughtBy: [
      'a budget that may be blocked › is blocked by so many refusals, and tells for how long',
      'a budget that may be blocked › is blocked when told so, and keeps what was used',
    ],
  },
  {
    fault: 'blocks nothing by hand',
    change: ({ budgets }) => ({ budgets: { ...budgets, block: async () => {} } }),
    caughtBy: [
      'a budget that may be blocked › is blocked when told so, and keeps what was used',
      'a budget that may be blocked › stops the others when it is blocked, but not from the shadow',
    ],
  },
  {
    fault: 'never shortens a block',
    change: ({ budgets, ttl }) => ({
      budgets: {
        ...budgets,
        async block(keys, forMs) {
          for (const key of keys) await budgets.block([key], Math.max(forMs, (await ttl(key)) ?? 0))
        },
      },
    }),
    caughtBy: ['a budget that may be blocked › is blocked for as long as it was told last'],
  },
]

function charging(
  charge: (charges: readonly Charge[], sound: Budgets) => ReturnType<Budgets['charge']>,
): Mutant['change'] {
  return ({ budgets }) => ({
    budgets: { ...budgets, charge: (all) => charge(all, budgets) },
  })
}

function charges(change: (charge: Charge) => Charge): Mutant['change'] {
  return charging((all, { charge }) => charge(all.map(change)))
}

function blocks(
  change: (block: NonNullable<Charge['block']>) => Charge['block'],
): Mutant['change'] {
  return charges((each) => ({ ...each, block: each.block && change(each.block) }))
}

/** Gives each charge a lease of its own. */
function numbered(): Mutant['change'] {
  let number = 0
  return charges((each) => {
    number += 1
    return { ...each, lease: `${each.lease}-${number}` }
  })
}

/** Slots of one key end together. */
function lengthened(): Mutant['change'] {
  const longest = new Map<string, number>()
  return charges((each) => {
    if (each.algorithm !== 'concurrency') return each
    const windowMs = Math.max(each.windowMs, longest.get(each.key) ?? 0)
    longest.set(each.key, windowMs)
    return { ...each, windowMs }
  })
}

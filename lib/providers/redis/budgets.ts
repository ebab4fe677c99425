import type { Budget, Budgets, Charge } from '../../ports/budgets.ts'
import { bySlot, slotSteps } from './budget-slots.ts'
import type { Pool } from './pool.ts'
import type { Charged } from './scripts/charge.ts'
import { unlink } from './unlink.ts'

/**
 * Budgets on Redis, on the server's clock. Charges on one slot are one script: all or none. Those on
 * several slots of a Cluster are one script a slot, at once; where one refuses or fails, what the
 * others took is given back.
 */
export function redisBudgets(pool: Pool): Budgets {
  return {
    charge(charges, call) {
      const { charge } = slotSteps(pool, call)
      // Outlives the deadline: what was taken would be gone until its window is over.
      const { settle } = slotSteps(pool, undefined)
      return decided(pool, charges, {
        take: charge,
        giveBack: async ({ group, budgets }) => {
          const spent = group.flatMap((each, at) => {
            const { mark = 0, held = false } = budgets[at] ?? {}
            return mark > 0 && !held && each.cost > 0
              ? [{ ...each, mark, charged: each.cost, cost: 0, at }]
              : []
          })
          const left = spent.length > 0 ? await settle(spent) : []
          return new Map(spent.map(({ at }, place) => [at, left[place]]))
        },
      })
    },
    peek(charges, call) {
      const { peek } = slotSteps(pool, call)
      return decided(pool, charges, { take: peek, giveBack: async () => new Map() })
    },
    async settle(settlements, call) {
      const { settle } = slotSteps(pool, call)
      const budgets: Budget[] = []
      const placed = settlements.map((settlement, at) => ({ ...settlement, at }))
      await all(bySlot(pool, placed, keyOf), async (group) => {
        const after = await settle(group)
        for (const [place, { at }] of group.entries()) budgets[at] = after[place] as Budget
      })
      return budgets
    },
    async renew(leases, call) {
      await all(bySlot(pool, leases, keyOf), slotSteps(pool, call).renew)
    },
    async block(keys, forMs, call) {
      const groups = bySlot(pool, keys, (key) => key)
      await all(groups, (group) => slotSteps(pool, call).block(group, forMs))
    },
    async clear(keys, call) {
      await all(pool.groups(keys), ({ connection, keys }) =>
        connection.send('clear', unlink(keys), { again: true }, call),
      )
    },
  }
}

/** What charges on one slot came to. */
interface Part {
  readonly group: readonly Charge[]
  readonly budgets: readonly Charged[]
}

interface Ways {
  take(group: readonly Charge[]): Promise<readonly Charged[]>
  /** Undoes what a slot took: budgets as they are then, by their place. */
  giveBack(part: Part): Promise<ReadonlyMap<number, Budget | undefined>>
}

async function decided(
  pool: Pool,
  charges: readonly Charge[],
  { take, giveBack }: Ways,
): Promise<readonly Budget[]> {
  const groups = bySlot(pool, merged(charges), keyOf)
  const settled = await Promise.allSettled(
    groups.map(async (group): Promise<Part> => ({ group, budgets: await take(group) })),
  )
  const parts = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  const passed = parts.length === groups.length && parts.every(passes)
  const budgets = new Map<string, Budget>()
  await all(parts, async (part) => {
    const left = passed || !passes(part) ? undefined : await giveBack(part)
    for (const [at, charge] of part.group.entries()) {
      const { held: _, ...budget } = part.budgets[at] as Charged
      budgets.set(nameOf(charge), left ? without(budget, left.get(at)) : budget)
    }
  })
  const failure = settled.find((each) => each.status === 'rejected')
  if (failure) throw failure.reason
  return charges.map((charge) => budgets.get(nameOf(charge)) as Budget)
}

/** What was found of a budget, and how it stands without the charge. */
function without(budget: Budget, left: Budget = budget): Budget {
  const { used, remaining, resetMs } = left
  return { ...budget, used, remaining, resetMs, mark: 0 }
}

/** Waits for all, also where one fails. @throws the first error. */
async function all<T>(list: readonly T[], act: (each: T) => Promise<unknown>): Promise<void> {
  const settled = await Promise.allSettled(list.map(act))
  const failure = settled.find((each) => each.status === 'rejected')
  if (failure) throw failure.reason
}

function passes({ group, budgets }: Part): boolean {
  return group.every(({ shadow }, at) => shadow || budgets[at]?.allowed)
}

/** Charges on one key count together. */
function merged(charges: readonly Charge[]): readonly Charge[] {
  const distinct = new Map<string, Charge>()
  for (const each of charges) {
    const name = nameOf(each)
    const known = distinct.get(name)
    distinct.set(name, known ? joined(known, each) : each)
  }
  return [...distinct.values()]
}

function joined(known: Charge, { cost, shadow, block }: Charge): Charge {
  return {
    ...known,
    cost: known.cost + cost,
    shadow: known.shadow && shadow,
    block: known.block ?? block,
  }
}

/** Slots of one budget are asked for one by one. */
function nameOf({ key, algorithm, lease = '' }: Charge): string {
  return algorithm === 'concurrency' ? `${key} ${lease}` : key
}

function keyOf({ key }: { readonly key: string }): string {
  return key
}

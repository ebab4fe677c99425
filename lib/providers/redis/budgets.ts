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
  const steps = slotSteps(pool)

  async function giveBack({ group, budgets, held }: Part): Promise<Left> {
    const spent = group.flatMap((each, at) => {
      const mark = budgets[at]?.mark ?? 0
      return mark > 0 && !held.includes(at) && each.cost > 0
        ? [{ ...each, mark, charged: each.cost, cost: 0, at }]
        : []
    })
    // Outlives the deadline: what was taken would be gone until its window is over.
    const left = spent.length > 0 ? await steps.settle(spent) : []
    return new Map(spent.map(({ at }, place) => [at, left[place]]))
  }

  return {
    charge(charges, call) {
      if (isOneScript(pool, charges)) return steps.charge(charges, call).then(budgetsOf)
      return decided(pool, charges, { take: (group) => steps.charge(group, call), giveBack })
    },
    peek(charges, call) {
      if (isOneScript(pool, charges)) return steps.peek(charges, call).then(budgetsOf)
      const take = (group: readonly Charge[]) => steps.peek(group, call)
      return decided(pool, charges, { take, giveBack: async () => new Map() })
    },
    async settle(settlements, call) {
      const budgets: Budget[] = []
      const placed = settlements.map((settlement, at) => ({ ...settlement, at }))
      await all(bySlot(pool, placed, keyOf), async (group) => {
        const after = await steps.settle(group, call)
        for (const [place, { at }] of group.entries()) budgets[at] = after[place] as Budget
      })
      return budgets
    },
    async renew(leases, call) {
      await all(bySlot(pool, leases, keyOf), (group) => steps.renew(group, call))
    },
    async block(keys, forMs, call) {
      const groups = bySlot(pool, keys, (key) => key)
      await all(groups, (group) => steps.block(group, forMs, call))
    },
    async clear(keys, call) {
      await all(pool.groups(keys), ({ connection, keys }) =>
        connection.send('clear', unlink(keys), { again: true }, call),
      )
    },
  }
}

/** Charges of one slot, and what they came to. */
interface Part extends Charged {
  readonly group: readonly Charge[]
}

/** Budgets as they are once a slot's charges are undone, by their place. */
type Left = ReadonlyMap<number, Budget | undefined>

interface Ways {
  take(group: readonly Charge[]): Promise<Charged>
  /** Undoes what a slot took. */
  giveBack(part: Part): Promise<Left>
}

/** Whether charges go as they are: all on one slot, and no two on one budget. */
function isOneScript(pool: Pool, charges: readonly Charge[]): boolean {
  const [first, ...others] = charges
  if (first === undefined || others.length === 0) return first !== undefined
  const slot = pool.slotOf(first.key)
  if (others.some(({ key }) => pool.slotOf(key) !== slot)) return false
  return new Set(charges.map(nameOf)).size === charges.length
}

function budgetsOf({ budgets }: Charged): readonly Budget[] {
  return budgets
}

async function decided(
  pool: Pool,
  charges: readonly Charge[],
  { take, giveBack }: Ways,
): Promise<readonly Budget[]> {
  const groups = bySlot(pool, merged(charges), keyOf)
  const settled = await Promise.allSettled(
    groups.map(async (group): Promise<Part> => ({ group, ...(await take(group)) })),
  )
  const parts = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  const passed = parts.length === groups.length && parts.every(passes)
  const budgets = new Map<string, Budget>()
  await all(parts, async (part) => {
    const left = passed || !passes(part) ? undefined : await giveBack(part)
    for (const [at, charge] of part.group.entries()) {
      const budget = part.budgets[at] as Budget
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

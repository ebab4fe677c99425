import type { Call } from '../../deadline.ts'
import type { Budget, Budgets, Charge } from '../../ports/budgets.ts'
import type { Pool } from './pool.ts'
import { run } from './script.ts'
import { type Charged, charge } from './scripts/charge.ts'
import { count } from './scripts/count.ts'
import { refund } from './scripts/refund.ts'
import { unlink } from './unlink.ts'

// Counting twice would refuse somebody who is within the limit: what may have been counted is not repeated.
const once = { again: false }

/**
 * Budgets on Redis, on the server's clock. Charges on one slot are one script: all or none. Those on
 * several slots of a Cluster are one script a slot, at once; where one refuses or fails, the others
 * are taken back.
 */
export function redisBudgets(pool: Pool): Budgets {
  return {
    charge: (charges, call) => chargeAll(pool, charges, call),
    count: (key, by, { limit, windowMs }, call) =>
      pool
        .of(key)
        .send('count', (client) => run(client, count, [key], [by, limit, windowMs]), once, call),
    clear: async (keys, call) => {
      const repeatable = { again: true }
      await Promise.all(
        pool
          .groups(keys)
          .map((group) => group.connection.send('clear', unlink(group.keys), repeatable, call)),
      )
    },
  }
}

async function chargeAll(
  pool: Pool,
  charges: readonly Charge[],
  call: Call | undefined,
): Promise<readonly Budget[]> {
  const groups = bySlot(pool, merged(charges))
  const parts = await Promise.allSettled(groups.map((group) => charged(pool, group, call)))
  const passed = parts.every((part) => part.status === 'fulfilled' && allowed(part.value))
  const budgets = new Map<string, Budget>()
  for (const [place, group] of groups.entries()) {
    const part = parts[place]
    if (part?.status !== 'fulfilled') continue
    const stays = passed || !allowed(part.value)
    const after = stays ? part.value.map(unmarked) : await takenBack(pool, group, part.value, call)
    for (const [at, { key }] of group.entries()) budgets.set(key, after[at] as Budget)
  }
  const failure = parts.find((part) => part.status === 'rejected')
  if (failure) throw failure.reason
  return charges.map(({ key }) => budgets.get(key) as Budget)
}

async function charged(
  pool: Pool,
  charges: readonly Charge[],
  call: Call | undefined,
): Promise<readonly Charged[]> {
  const [first] = charges
  if (first === undefined) return []
  const keys = charges.map(({ key }) => key)
  const args = charges.flatMap((each) => [letter(each), each.limit, each.windowMs, each.cost])
  return pool.of(first.key).send('charge', (client) => run(client, charge, keys, args), once, call)
}

/** The budgets as they are without the charges. */
async function takenBack(
  pool: Pool,
  charges: readonly Charge[],
  done: readonly Charged[],
  call: Call | undefined,
): Promise<readonly Budget[]> {
  const spent = charges.flatMap((each, at) => (each.cost > 0 ? [{ each, at }] : []))
  const [first] = spent
  if (first === undefined) return done.map(unmarked)
  const keys = spent.map(({ each }) => each.key)
  const args = spent.flatMap(({ each, at }) => [
    letter(each),
    each.windowMs,
    each.cost,
    done[at]?.mark ?? 0,
  ])
  const left = await pool
    .of(first.each.key)
    .send('refund', (client) => run(client, refund, keys, args), once, call)
  const budgets: Budget[] = done.map(unmarked)
  for (const [place, { each, at }] of spent.entries()) {
    const { used = 0, resetMs = 0 } = left[place] ?? {}
    const remaining = Math.max(0, each.limit - used)
    budgets[at] = { allowed: true, used, remaining, resetMs, retryMs: 0 }
  }
  return budgets
}

function unmarked({ mark: _, ...budget }: Charged): Budget {
  return budget
}

function allowed(budgets: readonly Budget[]): boolean {
  return budgets.every((budget) => budget.allowed)
}

function letter({ algorithm }: Charge): string {
  return algorithm === 'fixed' ? 'f' : 's'
}

function bySlot(pool: Pool, charges: readonly Charge[]): readonly (readonly Charge[])[] {
  const groups = new Map<number, Charge[]>()
  for (const charge of charges) {
    const slot = pool.slotOf(charge.key)
    groups.set(slot, [...(groups.get(slot) ?? []), charge])
  }
  return [...groups.values()]
}

/** Charges on one key count together. */
function merged(charges: readonly Charge[]): readonly Charge[] {
  const distinct = new Map<string, Charge>()
  for (const each of charges) {
    const known = distinct.get(each.key)
    distinct.set(each.key, known ? { ...known, cost: known.cost + each.cost } : each)
  }
  return [...distinct.values()]
}

import type { Call } from '../../deadline.ts'
import type { Budget, BudgetRule, Charge, Lease, Settlement } from '../../ports/budgets.ts'
import type { Pool } from './pool.ts'
import { run, type Script } from './script.ts'
import { block } from './scripts/block.ts'
import { letters } from './scripts/budget-steps.ts'
import { type Charged, charge } from './scripts/charge.ts'
import { hold } from './scripts/hold.ts'
import { settle } from './scripts/settle.ts'

/** Steps on budgets of one slot: one script each. */
export interface SlotSteps {
  charge(charges: readonly Charge[], call?: Call): Promise<Charged>
  peek(charges: readonly Charge[], call?: Call): Promise<Charged>
  settle(settlements: readonly Settlement[], call?: Call): Promise<readonly Budget[]>
  renew(leases: readonly Lease[], call?: Call): Promise<void>
  block(keys: readonly string[], forMs: number, call?: Call): Promise<void>
}

type Arguments = (string | number)[]

interface Wire {
  readonly keys: string[]
  readonly args: Arguments
}

// Counting twice would refuse somebody who is within the limit: what may have been counted is not repeated.
const once = { again: false }
const repeatable = { again: true }

/** Sends steps within the deadline of a call. */
export function slotSteps(pool: Pool): SlotSteps {
  function send<Reply>(
    operation: string,
    script: Script<string[], Arguments, Reply>,
    { keys, args }: Wire,
    often: { readonly again: boolean },
    call: Call | undefined,
  ): Promise<Reply> {
    const command = (client: Parameters<typeof run>[0]) => run(client, script, keys, args)
    return pool.of(keys[0] ?? '').send(operation, command, often, call)
  }

  return {
    charge: (charges, call) => send('charge', charge, wire(charges, 1), once, call),
    peek: (charges, call) => send('peek', charge, wire(charges, 0), repeatable, call),
    settle(settlements, call) {
      const args = settlements.flatMap((each) => [
        letters[each.algorithm],
        each.limit,
        each.windowMs,
        extra(each),
        each.mark,
        each.charged,
        each.cost,
      ])
      return send('settle', settle, { keys: settlements.map(keyOf), args }, once, call)
    },
    renew(leases, call) {
      const args = leases.flatMap(({ lease, leaseMs }) => [lease, leaseMs])
      return send('renew', hold, { keys: leases.map(keyOf), args }, repeatable, call)
    },
    block: (keys, forMs, call) =>
      send('block', block, { keys: [...keys], args: [forMs] }, repeatable, call),
  }
}

/** Groups what can be in one script. */
export function bySlot<T>(
  pool: Pool,
  all: readonly T[],
  keyOf: (each: T) => string,
): readonly (readonly [T, ...T[]])[] {
  const groups = new Map<number, [T, ...T[]]>()
  for (const each of all) {
    const slot = pool.slotOf(keyOf(each))
    const group = groups.get(slot)
    if (group) group.push(each)
    else groups.set(slot, [each])
  }
  return [...groups.values()]
}

function wire(charges: readonly Charge[], writes: 0 | 1): Wire {
  const keys = charges.map(keyOf)
  const args: Arguments = [writes]
  for (const each of charges) args.push(chargeText(each, keys))
  return { keys, args }
}

/** One argument for all that is said of a charge: each argument has its price. Adds the key of its block. */
function chargeText(charge: Charge, keys: string[]): string {
  const { algorithm, limit, windowMs, cost, shadow = false } = charge
  const { key, after = 0, forMs = 0, doubles = false } = charge.block ?? {}
  const place = key === undefined ? 0 : keys.push(key)
  const budget = `${letters[algorithm]},${limit},${windowMs},${cost},${shadow ? 1 : 0}`
  return `${budget},${place},${after},${forMs},${doubles ? 1 : 0},${extra(charge)}`
}

function extra({ algorithm, limit, burst = limit, lease = '' }: BudgetRule): string | number {
  return algorithm === 'concurrency' ? lease : burst
}

function keyOf({ key }: { readonly key: string }): string {
  return key
}

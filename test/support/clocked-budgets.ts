import assert from 'node:assert/strict'
import type { Budget, Budgets, Charge, Settlement } from '../../lib/ports/budgets.ts'
import { embeddedProvider } from '../../lib/providers/embedded/provider.ts'

/** When their clock begins. */
export const startMs = Date.UTC(2026, 10, 22)

/** Budgets, and the clock they go by. */
export interface Clocked {
  readonly budgets: Budgets
  readonly clock: { ms: number }
}

/** Budgets in this process, on a clock that is set by hand. */
export function clocked(): Clocked {
  const clock = { ms: startMs }
  return { budgets: embeddedProvider({ now: () => clock.ms }).budgets, clock }
}

/** The one budget of a call. */
export async function only(budgets: Promise<readonly Budget[]>): Promise<Budget> {
  const [budget] = await budgets
  assert.ok(budget)
  return budget
}

/** A charge that passed, and what it came to. */
export interface Taken {
  readonly at: number
  readonly rule: Charge
  mark: number
  charged: number
}

/** Puts a cost in the place of what is charged. */
export function settlement({ rule, mark, charged }: Taken, cost: number): Settlement {
  return { ...rule, mark, charged, cost }
}

/** What charges came to together. */
export function total(log: readonly Taken[]): number {
  return log.reduce((sum, { charged }) => sum + charged, 0)
}

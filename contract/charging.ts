import assert from 'node:assert/strict'
import type { Budget, Charge, Settlement } from '../lib/ports/budgets.ts'
import { minuteMs } from './conversation.ts'
import type { Opened } from './suite.ts'

/** One way in which a charge is kept, for the facts that all ways share. */
export interface Shape {
  readonly shape: string
  readonly algorithm: 'sliding' | 'fixed' | 'gcra'
  readonly limit: number
  /** The longest until something comes back, in a window of a minute. */
  readonly backMs: number
  /** The longest until all of four units has come back, in a window of a minute. */
  readonly fourMs: number
}

const longMs = (minuteMs / 12) * 13

/** Times of their own, twelfths of a window, a counter, a level. */
export const shapes: readonly Shape[] = [
  { shape: 'sliding, a few', algorithm: 'sliding', limit: 10, backMs: minuteMs, fourMs: minuteMs },
  { shape: 'sliding, many', algorithm: 'sliding', limit: 100, backMs: longMs, fourMs: longMs },
  { shape: 'fixed', algorithm: 'fixed', limit: 10, backMs: minuteMs, fourMs: minuteMs },
  { shape: 'gcra', algorithm: 'gcra', limit: 10, backMs: 6_001, fourMs: 24_001 },
]

/** A charge of one unit of ten in a minute, but for what is told. */
export function chargeOf(key: string, given: Partial<Charge> = {}): Charge {
  return { key, algorithm: 'sliding', limit: 10, windowMs: minuteMs, cost: 1, ...given }
}

/** Charges one budget. */
export async function take(open: Opened, key: string, given?: Partial<Charge>): Promise<Budget> {
  return only(await open().budgets.charge([chargeOf(key, given)]))
}

/** Looks what a charge of one budget would come to. */
export async function look(open: Opened, key: string, given?: Partial<Charge>): Promise<Budget> {
  return only(await open().budgets.peek([chargeOf(key, given)]))
}

/** Settles one charge. */
export async function settle(
  open: Opened,
  key: string,
  given: Partial<Charge> & Pick<Settlement, 'mark' | 'charged' | 'cost'>,
): Promise<Budget> {
  const { shadow, block, ...rule } = chargeOf(key, given)
  const { mark, charged } = given
  return only(await open().budgets.settle([{ ...rule, mark, charged }]))
}

/** Where budgets stand, in short. */
export function told(budgets: readonly Budget[]): [allowed: boolean, used: number][] {
  return budgets.map(({ allowed, used }) => [allowed, used])
}

function only(budgets: readonly Budget[]): Budget {
  const [budget] = budgets
  assert.ok(budget && budgets.length === 1, 'one charge gives one budget')
  return budget
}

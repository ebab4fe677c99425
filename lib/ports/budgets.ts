import type { Call } from '../deadline.ts'

/**
 * How a budget is counted. `sliding`: never more than the limit in any window, wherever it starts.
 * `fixed`: a window begins with its first request.
 */
export type Algorithm = 'sliding' | 'fixed'

/** What a request takes from one budget. */
export interface Charge {
  readonly key: string
  readonly algorithm: Algorithm
  /** Whole, above 0. */
  readonly limit: number
  readonly windowMs: number
  /** Whole, 0 or more; 0 only looks. */
  readonly cost: number
}

/** A budget after the charge, or as it is when the charge was refused. */
export interface Budget {
  /** Whether this budget alone had room. */
  readonly allowed: boolean
  readonly used: number
  readonly remaining: number
  /** Until more quota comes back; 0 when nothing is used. */
  readonly resetMs: number
  /** Until a refused charge of this cost could pass; 0 when it was allowed. */
  readonly retryMs: number
}

/** A counter that ends with its window. */
export interface Count {
  /** The sum, or what it would have been where that is above `limit`: nothing was added then. */
  readonly count: number
  readonly ttlMs: number
}

/** Budgets that expire by themselves, on the store's own clock. */
export interface Budgets {
  /** One atomic step: charges all, or none when one has no room. One element a charge, in order. */
  charge(charges: readonly Charge[], call?: Call): Promise<readonly Budget[]>
  /** Adds to the counter of a fixed window unless the sum would pass `limit`. */
  count(
    key: string,
    by: number,
    bounds: { readonly limit: number; readonly windowMs: number },
    call?: Call,
  ): Promise<Count>
  /** Forgets budgets. */
  clear(keys: readonly string[], call?: Call): Promise<void>
}

import type { Call } from '../deadline.ts'

/**
 * How a budget is counted. `sliding`: never more than the limit in any window, wherever it starts.
 * `fixed`: a window begins with its first charge. `gcra`: what is used comes back evenly, `limit` in
 * a window, and up to `burst` may be used at once. `concurrency`: what is used is held until it is
 * given back, or its lease ends.
 */
export type Algorithm = 'sliding' | 'fixed' | 'gcra' | 'concurrency'

/** One budget, and how it is counted. */
export interface BudgetRule {
  readonly key: string
  readonly algorithm: Algorithm
  /** Whole, above 0. */
  readonly limit: number
  /** The window; of `concurrency` how long a slot is held that nobody renews. */
  readonly windowMs: number
  /** `gcra`: what may be used at once. Whole, above 0. @default limit */
  readonly burst?: number | undefined
  /** `concurrency`: names the slot, apart from all others. */
  readonly lease?: string | undefined
}

/** Where and when a budget is blocked. On a Cluster its key lies on the budget's slot. */
export interface Blocking {
  /** Keeps the blocks of a budget; another key than the budget's. */
  readonly key: string
  /** How many refusals within a window block; without it only `block()` does. Whole, above 0. */
  readonly after?: number | undefined
  /** How long such a block lasts. */
  readonly forMs?: number | undefined
  /**
   * Each further block lasts twice as long as the one before, up to a day (or `forMs` where that is
   * longer). A block is the first again where the last has been over for as long as it lasted.
   */
  readonly doubles?: boolean | undefined
}

/** What a request takes from one budget. */
export interface Charge extends BudgetRule {
  /** Whole, 0 or more; 0 takes nothing. 1 for `concurrency`. */
  readonly cost: number
  /** Where it has no room it takes nothing, and does not keep the other charges from passing. */
  readonly shadow?: boolean | undefined
  readonly block?: Blocking | undefined
}

/** A budget after the charge, or as it is when the charge was refused. */
export interface Budget {
  /** Whether this budget alone had room, and is not blocked. */
  readonly allowed: boolean
  /** Above the limit where a settlement made it so. Of `gcra` rounded up. */
  readonly used: number
  /** What may still be used at once: never below 0. */
  readonly remaining: number
  /**
   * Until more can be used, which a debt puts off; 0 when nothing is used. Of `concurrency` until a
   * lease ends that leaves room.
   */
  readonly resetMs: number
  /** Until a refused charge of this cost could pass; 0 when it was allowed, `Infinity` for never. */
  readonly retryMs: number
  /** Until the block ends; 0 where there is none. */
  readonly blockedMs: number
  /**
   * What a settlement of this charge must find again, also where it took nothing as its cost was 0;
   * 0 where it was refused.
   */
  readonly mark: number
}

/** What a charge really came to. */
export interface Settlement extends BudgetRule {
  /** Of the charge. */
  readonly mark: number
  /** What is charged for it until now. Whole, 0 or more. */
  readonly charged: number
  /** What it came to: less gives back, more becomes debt. Whole, 0 or more. */
  readonly cost: number
}

/** A slot that goes on being held. */
export interface Lease {
  readonly key: string
  readonly lease: string
  /** From now on. */
  readonly leaseMs: number
}

/** Budgets that expire by themselves, on the store's own clock. */
export interface Budgets {
  /**
   * One atomic step: charges all, or none when one has no room. One element a charge, in order.
   * Charges on one key count together. On a Cluster it is atomic for each slot: what was taken on
   * one slot is given back where another refuses.
   */
  charge(charges: readonly Charge[], call?: Call): Promise<readonly Budget[]>
  /**
   * Budgets as they stand, and whether and when each charge would have room; nothing is written.
   * Marks are 0.
   */
  peek(charges: readonly Charge[], call?: Call): Promise<readonly Budget[]>
  /**
   * Puts what charges came to in the place of what was charged, each only while its window goes on:
   * what came back already is not given back once more, and no other charge is touched. Of
   * `concurrency` a cost of 0 gives the slot back. One element a settlement: the budget as it is then,
   * `allowed` where something could still be used.
   */
  settle(settlements: readonly Settlement[], call?: Call): Promise<readonly Budget[]>
  /** Lets slots be held for longer; one that was lost meanwhile is held again. */
  renew(leases: readonly Lease[], call?: Call): Promise<void>
  /** Blocks from now on for as long as told: keys of `Blocking`. */
  block(keys: readonly string[], forMs: number, call?: Call): Promise<void>
  /** Forgets budgets, slots and blocks. */
  clear(keys: readonly string[], call?: Call): Promise<void>
}

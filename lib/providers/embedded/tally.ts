import type { Settlement } from '../../ports/budgets.ts'
import type { Cell } from './shelf.ts'

/** A budget as it is at one moment. */
export interface Tally {
  readonly used: number
  /** What may still be used at once: never below 0. */
  readonly remaining: number
  /** Until more can be used; 0 when nothing is used. */
  readonly resetMs: number
  /** What a settlement of a charge that was just made must find again. */
  readonly mark: number
  /** The clock was set back since: what is kept must be put anew, or it counts until then. */
  readonly isAhead?: boolean
  /** Until a charge of this cost has room: 0 now, `Infinity` never. */
  waitMs(cost: number): number
  /** The budget with this much taken; there must be room. */
  charged(cost: number): Tally
  /** The budget with a charge corrected; `undefined` where its window is over. */
  settled(settlement: Settlement): Settled | undefined
  /** What stands on the shelf; `undefined` where nothing needs to. */
  kept(): Kept | undefined
}

/** A budget after a settlement. */
export interface Settled {
  readonly tally: Tally
  /** What the next settlement of that charge must find again. */
  readonly mark: number
}

/** What a budget leaves on the shelf. */
export interface Kept<C extends BudgetCell = BudgetCell> {
  readonly cell: C
  /** Milliseconds since 1970. */
  readonly endsAt: number
}

/** What a budget, or its blocks, are kept as. */
export type BudgetCell = SlidingCell | CounterCell | LevelCell | SlotsCell | BlockCell

/** Times of units, in order, or twelfths of a window and how much each counts, in turn. */
export interface SlidingCell extends Cell {
  readonly kind: 'sliding'
  readonly exact: boolean
  readonly numbers: readonly number[]
}

/** What was used in a fixed window, which ends with its cell. */
export interface CounterCell extends Cell {
  readonly kind: 'counter'
  readonly count: number
}

/** How full a leaking bucket was at a time. */
export interface LevelCell extends Cell {
  readonly kind: 'level'
  readonly level: number
  readonly at: number
}

/** When the lease of each slot ends. */
export interface SlotsCell extends Cell {
  readonly kind: 'slots'
  readonly ends: ReadonlyMap<string, number>
}

/** Refusals and blocks of a budget. Times are milliseconds since 1970, 0 for never. */
export interface BlockCell extends Cell {
  readonly kind: 'block'
  readonly blockedUntil: number
  /** How long the last block was that refusals led to; 0 for none. */
  readonly lastMs: number
  /** When that block is forgotten. */
  readonly forgottenAt: number
  /** Refusals since the last block, counted until `countedUntil`. */
  readonly refusals: number
  readonly countedUntil: number
}

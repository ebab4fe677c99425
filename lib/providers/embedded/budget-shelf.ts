import type { BudgetRule } from '../../ports/budgets.ts'
import { fixedTally } from './fixed.ts'
import { gcraTally } from './gcra.ts'
import type { Keyspace } from './keyspace.ts'
import { failure, type Share, sizeOf } from './shelf.ts'
import { slidingTally } from './sliding.ts'
import { slotsTally } from './slots.ts'
import type { BlockCell, BudgetCell, Kept, Tally } from './tally.ts'

/** Where budgets and their blocks are kept. */
export interface BudgetShelf {
  readonly now: () => number
  /** A budget as it is; `leases` name the slots that are asked for. */
  tally(
    operation: string,
    rule: BudgetRule,
    moment: { at: number; leases?: readonly string[] },
  ): Tally
  /** What is known of the blocks of a budget. */
  blocks(operation: string, key: string, at: number): BlockCell | undefined
  /** Puts all or none. @throws StoreError `full` */
  write(
    operation: string,
    writes: readonly (readonly [key: string, kept: Kept])[],
    at: number,
  ): void
  remove(key: string): void
}

/** What budgets may take, and the clock they go by: that of the keyspace, but finer. */
export interface BudgetRoom {
  readonly share: Share
  readonly reach: Share
  readonly now: () => number
}

/**
 * A shelf of a keyspace, which also takes what others leave of `reach`; when it is full it forgets
 * what was not looked at for longest.
 */
export function budgetShelf(keyspace: Keyspace, { share, reach, now }: BudgetRoom): BudgetShelf {
  const shelf = keyspace.shelf<BudgetCell>(share, { reach, now })
  return {
    now,
    tally(operation, rule, { at, leases = [leaseOf(rule)] }) {
      const { key, algorithm } = rule
      switch (algorithm) {
        case 'sliding':
          return slidingTally(shelf.get(operation, key, 'sliding', at)?.cell, rule, at)
        case 'fixed':
          return fixedTally(shelf.get(operation, key, 'counter', at), rule, at)
        case 'gcra':
          return gcraTally(shelf.get(operation, key, 'level', at)?.cell, rule, at)
        case 'concurrency':
          return slotsTally(shelf.get(operation, key, 'slots', at)?.cell, rule, { at, leases })
      }
    },
    blocks: (operation, key, at) => shelf.get(operation, key, 'block', at)?.cell,
    write(operation, writes, at) {
      // Before the first is put, each is known to fit.
      for (const [key, { cell }] of writes)
        if (!shelf.fits(sizeOf(key, cell.bytes))) throw failure(operation, 'full')
      for (const [key, { cell, endsAt }] of writes) shelf.put(operation, key, cell, endsAt, at)
    },
    remove: (key) => {
      keyspace.remove(key)
    },
  }
}

/** The slot a rule names. */
export function leaseOf({ lease = '' }: BudgetRule): string {
  return lease
}

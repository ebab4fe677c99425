import type { Budget, Charge } from '../../ports/budgets.ts'
import { refused } from './blocks.ts'
import { type BudgetShelf, leaseOf } from './budget-shelf.ts'
import type { BlockCell, Kept, Tally } from './tally.ts'

/** What charges come to, and what has to be written for that. */
export interface ChargePlan {
  /** When, by the shelf's clock. */
  readonly at: number
  readonly budgets: readonly Budget[]
  readonly writes: readonly (readonly [key: string, kept: Kept])[]
}

/** All charges on one key, as one. */
interface Whole {
  readonly charge: Charge
  /** Of `concurrency`: the slots that are asked for, each once. */
  readonly leases: readonly string[]
}

/** What a charge finds. */
interface Found {
  readonly charge: Charge
  readonly before: Tally
  /** Until the budget has room. */
  readonly waitMs: number
  /** Until its block ends, also of one that this refusal begins. */
  readonly blockedMs: number
  /** What to write down of a refusal. */
  readonly refusal: { readonly key: string; readonly kept: Kept<BlockCell> } | undefined
}

/** Works out what charges come to, and writes nothing. */
export function chargePlan(shelf: BudgetShelf, charges: readonly Charge[]): ChargePlan {
  const at = shelf.now()
  const all = whole(charges).map((each) => find(shelf, 'charge', each, at))
  const passes = all.every((found) => found.charge.shadow || isFree(found))
  const writes: [string, Kept][] = []
  const budgets: Budget[] = []
  for (const found of all) {
    const { charge, refusal } = found
    const allowed = passes && isFree(found)
    const after = allowed ? takenBy(found) : found.before
    const kept = keptOf(found, after)
    if (kept) writes.push([charge.key, kept])
    if (refusal) writes.push([refusal.key, refusal.kept])
    budgets.push(report(found, after, allowed ? markOf(charge, after) : 0))
  }
  return { at, writes, budgets: oneEach(charges, all, budgets) }
}

/** The budget of each charge: of those on one key the same. */
function oneEach(
  charges: readonly Charge[],
  all: readonly Found[],
  budgets: readonly Budget[],
): readonly Budget[] {
  if (all.length === charges.length) return budgets
  const byKey = new Map(all.map(({ charge }, at) => [charge.key, budgets[at] as Budget]))
  return charges.map(({ key }) => byKey.get(key) as Budget)
}

function takenBy({ charge: { cost }, before }: Found): Tally {
  return cost > 0 ? before.charged(cost) : before
}

/** What is to be put on the shelf. */
function keptOf({ before }: Found, after: Tally): Kept | undefined {
  return after === before && !after.isAhead ? undefined : after.kept()
}

/** A charge of nothing may come to more, but takes no slot. */
function markOf({ algorithm, cost }: Charge, { mark }: Tally): number {
  return cost > 0 || algorithm !== 'concurrency' ? mark : 0
}

/** How budgets stand, and whether each charge would have room. */
export function standing(shelf: BudgetShelf, charges: readonly Charge[]): readonly Budget[] {
  const at = shelf.now()
  const all = whole(charges).map(({ charge, leases }) =>
    find(shelf, 'peek', { charge: { ...charge, block: uncounted(charge) }, leases }, at),
  )
  const budgets = all.map((found) => report(found, found.before, 0))
  return oneEach(charges, all, budgets)
}

/** Who only looks is not refused. */
function uncounted({ block }: Charge): Charge['block'] {
  return block && { key: block.key }
}

/** Charges on one key count together. */
function whole(charges: readonly Charge[]): readonly Whole[] {
  const [only] = charges
  if (only !== undefined && charges.length === 1) return [{ charge: only, leases: [leaseOf(only)] }]
  const distinct = new Map<string, Whole>()
  for (const charge of charges) {
    const known = distinct.get(charge.key)
    distinct.set(charge.key, known ? joined(known, charge) : { charge, leases: [leaseOf(charge)] })
  }
  return [...distinct.values()]
}

function joined(known: Whole, charge: Charge): Whole {
  return {
    charge: {
      ...known.charge,
      cost: known.charge.cost + charge.cost,
      shadow: known.charge.shadow && charge.shadow,
    },
    leases: [...new Set(known.leases).add(leaseOf(charge))],
  }
}

function find(shelf: BudgetShelf, operation: string, { charge, leases }: Whole, at: number): Found {
  const { block, cost, windowMs } = charge
  const before = shelf.tally(operation, charge, { at, leases })
  const waitMs = before.waitMs(cost)
  if (block === undefined) return { charge, before, waitMs, blockedMs: 0, refusal: undefined }
  const held = shelf.blocks(operation, block.key, at)
  const isBlocked = held !== undefined && held.blockedUntil > at
  const counts = waitMs > 0 && cost > 0 && !isBlocked
  const kept = counts ? refused(held, block, { windowMs, at }) : undefined
  const { blockedUntil = 0 } = kept?.cell ?? held ?? {}
  const blockedMs = Math.max(0, blockedUntil - at)
  return { charge, before, waitMs, blockedMs, refusal: kept && { key: block.key, kept } }
}

function isFree({ waitMs, blockedMs }: Found): boolean {
  return waitMs === 0 && blockedMs === 0
}

function report(found: Found, { used, remaining, resetMs }: Tally, mark: number): Budget {
  const { waitMs, blockedMs } = found
  return {
    allowed: isFree(found),
    used,
    remaining,
    resetMs: Math.ceil(resetMs),
    retryMs: Math.ceil(Math.max(waitMs, blockedMs)),
    blockedMs: Math.ceil(blockedMs),
    mark,
  }
}

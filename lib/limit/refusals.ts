import { LRUCache } from 'lru-cache'
import type { Budget, Budgets } from '../ports/budgets.ts'
import type { Demand } from './demand.ts'

/** How long a refusal is trusted: what other processes settle, reset or let end is seen soon. */
const trustedMs = 1000
const most = 10_000

interface Refusal {
  /** Milliseconds of this process's own clock. */
  readonly at: number
  readonly until: number
  readonly limit: number
  readonly cost: number
  /** Who asks for more has no longer to wait. */
  readonly flat: boolean
  /** Refused by a block, which counts no more refusals. */
  readonly blocked: boolean
  /** The budgets of the request that was refused, by key. */
  readonly budgets: ReadonlyMap<string, Budget>
}

/**
 * Refusals this process remembers, so that who has used up a budget costs the store nothing. Bounded:
 * the oldest go first.
 */
export class Refusals {
  readonly #refusals = new LRUCache<string, Refusal>({ max: most })

  /**
   * Notes what a request was refused for. `askedAt` is when the store was asked, by this process's own
   * clock: counted from there, no refusal is remembered for longer than it stands in the store, however
   * late the answer came.
   */
  remember(demands: readonly Demand[], budgets: readonly Budget[], askedAt: number): void {
    const known = new Map(demands.map(({ charge }, at) => [charge.key, budgets[at] as Budget]))
    const at = performance.now()
    for (const demand of demands) {
      const { key, limit, cost } = demand.charge
      const budget = known.get(key)
      if (!budget || !lasts(demand, budget)) continue
      const until = askedAt + Math.min(holdsMs(demand, budget), trustedMs)
      const blocked = budget.blockedMs > 0
      const flat = blocked || demand.rule.algorithm === 'fixed'
      this.#refusals.set(key, { at, until, limit, cost, flat, blocked, budgets: known })
    }
  }

  /**
   * The budgets of a request that is known to be refused, as they are by now; `undefined` for those
   * that are not known. Nothing where the store must be asked.
   */
  find(demands: readonly Demand[]): readonly (Budget | undefined)[] | undefined {
    if (this.#refusals.size === 0) return undefined
    const now = performance.now()
    // What refuses the request may not be what shuts the caller out: the store counts for both.
    const counts = demands.some(({ charge }) => charge.block?.after !== undefined)
    for (const { rule, charge } of demands) {
      const refusal = rule.shadow ? undefined : this.#refusals.get(charge.key)
      if (refusal === undefined || !holds(refusal, charge, now)) continue
      if (counts && !refusal.blocked) continue
      return demands.map((demand) => this.#known(demand, refusal, now))
    }
    return undefined
  }

  /** A budget beside the one that refuses. Where it refused as well, it may have room for this demand. */
  #known({ rule, charge }: Demand, refusal: Refusal, now: number): Budget | undefined {
    const budget = refusal.budgets.get(charge.key)
    if (budget === undefined || budget.allowed || rule.shadow) return aged(budget, now - refusal.at)
    const own = this.#refusals.get(charge.key)
    if (own === undefined || !holds(own, charge, now)) return undefined
    return aged(own.budgets.get(charge.key), now - own.at)
  }

  /** These budgets have changed. */
  forget(keys: readonly string[]): void {
    for (const key of keys) this.#refusals.delete(key)
  }
}

/** Whether a refusal says anything of the next request. */
function lasts({ rule }: Demand, budget: Budget): boolean {
  if (budget.allowed || rule.shadow || !Number.isFinite(budget.retryMs)) return false
  if (budget.blockedMs > 0) return true
  // A slot may be free at once.
  return rule.algorithm !== 'concurrency'
}

/** How long a refusal stands. Behind a block, refusals that lead to the next are counted in the store. */
function holdsMs({ charge: { block } }: Demand, { retryMs, blockedMs }: Budget): number {
  return block?.after === undefined ? retryMs : blockedMs
}

function holds(refusal: Refusal, { limit, cost }: Demand['charge'], now: number): boolean {
  const same = cost === refusal.cost || (cost > refusal.cost && refusal.flat)
  return now < refusal.until && limit === refusal.limit && same
}

function aged(budget: Budget | undefined, ms: number): Budget | undefined {
  if (budget === undefined) return undefined
  const less = (until: number) => Math.max(0, until - ms)
  const { allowed, used, remaining, mark } = budget
  // Named one by one: of a copy by `...`, V8 makes a hidden class each time, on Node 20.
  return {
    allowed,
    used,
    remaining,
    resetMs: less(budget.resetMs),
    retryMs: less(budget.retryMs),
    blockedMs: less(budget.blockedMs),
    mark,
  }
}

const known = new WeakMap<Budgets, Refusals>()

/** The refusals of these budgets, whoever counts on them. */
export function refusalsOf(budgets: Budgets): Refusals {
  const refusals = known.get(budgets) ?? new Refusals()
  known.set(budgets, refusals)
  return refusals
}

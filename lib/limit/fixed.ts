import type { Call } from '../deadline.ts'
import { StoreError } from '../errors.ts'
import type { Budget, Budgets, Charge } from '../ports/budgets.ts'

type Library = typeof import('rate-limiter-flexible')

/** Whether one fixed window can be counted by rate-limiter-flexible: it knows whole seconds only. */
export function isWhole({ algorithm, windowMs }: { algorithm: string; windowMs: number }): boolean {
  return algorithm === 'fixed' && windowMs % 1000 === 0
}

/**
 * Fixed windows, by rate-limiter-flexible: it decides over our own counter.
 *
 * Its limiter talks to a facade instead of a Redis client: given the client it would define a command
 * there, which all limiters share and a later one silently replaces; and our counter does not charge
 * what it refuses. The library is loaded at the first fixed rule.
 */
export function fixedWindow(budgets: Budgets): Budgets['charge'] {
  const loading = import('rate-limiter-flexible')
  return async (charges, call) => {
    const [charge, ...others] = charges
    if (charge === undefined || others.length > 0) return budgets.charge(charges, call)
    return [await decided(library(await loading), budgets, charge, call)]
  }
}

async function decided(
  { RateLimiterRedis }: Library,
  budgets: Budgets,
  charge: Charge,
  call: Call | undefined,
): Promise<Budget> {
  const { key, limit, windowMs, cost } = charge
  let budget: Budget | undefined
  const storeClient = {
    status: 'ready',
    async rlflxIncr(): Promise<readonly [number, number]> {
      budget = await chargedBy(budgets, charge, call)
      return [countOf(budget, charge), budget.resetMs]
    },
    // Called for nothing by version 11.0.
    multi: () => undefined,
  }
  const duration = windowMs / 1000
  const limiter = new RateLimiterRedis({ storeClient, keyPrefix: '', points: limit, duration })
  const allowed = await limiter.consume(key, cost).then(() => true, refusal)
  if (budget?.allowed !== allowed) throw new StoreError('charge', 'corrupt')
  return budget
}

async function chargedBy(
  budgets: Budgets,
  charge: Charge,
  call: Call | undefined,
): Promise<Budget> {
  const [budget] = await budgets.charge([charge], call)
  if (budget === undefined) throw new StoreError('charge', 'corrupt')
  return budget
}

/** As the library counts: with what was refused, and a block as more than there is. */
function countOf({ allowed, used, blockedMs }: Budget, { cost, limit }: Charge): number {
  if (allowed) return used
  return blockedMs > 0 ? Math.max(used + cost, limit + 1) : used + cost
}

/** A refusal is rejected with a result that is no error; anything else is one. */
function refusal(reason: unknown): false {
  if (reason instanceof Error) throw reason
  return false
}

/** An ES module that imports CommonJS may find everything under `default`. */
function library(loaded: Library & { default?: Library }): Library {
  return loaded.RateLimiterRedis ? loaded : (loaded.default ?? loaded)
}

import type { RateLimiterRes } from 'rate-limiter-flexible'
import type { Call } from '../deadline.ts'
import type { Budget, Budgets, Charge } from '../ports/budgets.ts'

type Library = typeof import('rate-limiter-flexible')

/** Charges one fixed window. */
export type ChargeFixed = (charge: Charge, call: Call) => Promise<Budget>

/** Whether one fixed window can be counted by rate-limiter-flexible: it knows whole seconds only. */
export function isWhole({ algorithm, windowMs }: { algorithm: string; windowMs: number }): boolean {
  return algorithm === 'fixed' && windowMs % 1000 === 0
}

/**
 * Fixed windows, by rate-limiter-flexible.
 *
 * Its limiter talks to a facade over our own counter instead of a Redis client: given the client it
 * would define a command there, which all limiters share and a later one silently replaces; and our
 * counter does not charge what it refuses. The library is loaded at the first fixed rule.
 */
export function fixedWindow(budgets: Budgets): ChargeFixed {
  const loading = import('rate-limiter-flexible')
  return async ({ key, limit, windowMs, cost }, call) => {
    const { RateLimiterRedis } = library(await loading)
    const limiter = new RateLimiterRedis({
      storeClient: facade(budgets, { limit, windowMs }, call),
      keyPrefix: '',
      points: limit,
      duration: windowMs / 1000,
    })
    const { consumedPoints, msBeforeNext } = await limiter.consume(key, cost).catch(refusal)
    const allowed = consumedPoints <= limit
    const used = allowed ? consumedPoints : consumedPoints - cost
    return {
      allowed,
      used,
      remaining: Math.max(0, limit - used),
      resetMs: msBeforeNext,
      retryMs: allowed ? 0 : msBeforeNext,
    }
  }
}

function facade(budgets: Budgets, bounds: { limit: number; windowMs: number }, call: Call) {
  return {
    status: 'ready',
    async rlflxIncr([key = '', by]: string[]): Promise<[number, number]> {
      const { count, ttlMs } = await budgets.count(key, Number(by), bounds, call)
      return [count, ttlMs]
    },
  }
}

/** A refusal is rejected with a result that is no error; anything else is one. */
function refusal(reason: unknown): RateLimiterRes {
  if (reason instanceof Error) throw reason
  return reason as RateLimiterRes
}

/** An ES module that imports CommonJS may find everything under `default`. */
function library(loaded: Library & { default?: Library }): Library {
  return loaded.RateLimiterRedis ? loaded : (loaded.default ?? loaded)
}

import express, { type Express } from 'express'
import type { RateLimiterLike, Store } from 'memoryware'
import { rateLimit } from 'memoryware/express'
import { asRateLimiter, type CompatibleRateLimiter } from 'memoryware/rate-limiter-flexible'
import { RateLimiterQueue } from 'rate-limiter-flexible'

/** Header fields, problem details and one deadline, over a limiter that the app has already. */
export function keptLimiterApp(limiter: RateLimiterLike): Express {
  const app = express()
  app.get('/', rateLimit({ store: limiter }), (req, res) => {
    res.json(req.rateLimit.limits)
  })
  return app
}

/** A limit of ours where the library wants a limiter: as insurance, in a union, behind lists. */
export function slidingLimiter(store: Store): CompatibleRateLimiter {
  return asRateLimiter(rateLimit({ store, limit: 5, window: '2s', key: 'global' }))
}

/** Calls that wait for their turn instead of being refused: to stay below the limit of another's API. */
export function paced<Result>(
  limiter: CompatibleRateLimiter,
  call: () => Promise<Result>,
): () => Promise<Result> {
  const queue = new RateLimiterQueue(limiter, { maxQueueSize: 100 })
  return async () => {
    await queue.removeTokens(1)
    return call()
  }
}

import express, { type Express } from 'express'
import type { Duration, Store } from 'memoryware'
import { rateLimit } from 'memoryware/express'

/** Whether this call is among the first `limit` of its window: a fixed window, counted by hand. */
export async function allowed(
  store: Store,
  key: string,
  { limit, window }: { limit: number; window: Duration },
): Promise<boolean> {
  const [count, left] = await store.pipeline().incr(key).ttl(key).exec()
  // The first call finds a counter without an end, as does whoever comes after a first call that
  // died right here: no counter is left that never ends and refuses its user for good.
  if (left === Number.POSITIVE_INFINITY) await store.expire(key, window)
  return count <= limit
}

/** Several limits in one atomic step, in any window wherever it begins; the client is told how long to wait. */
export function limitedApp(store: Store): Express {
  const limits = [
    { name: 'burst', limit: 5, window: '2s' },
    { name: 'daily', limit: 1_000, window: '1d' },
  ]
  const app = express()
  app.get('/', rateLimit({ store, limits }), (req, res) => {
    res.json({ left: req.rateLimit.limits['burst']?.remaining })
  })
  return app
}

import express, { type Express } from 'express'
import type { Store } from 'memoryware'
import { cacheResponse } from 'memoryware/express'

/** Anything slow that need not be of this second. */
export type Report = () => Promise<unknown>

/**
 * A report that is fresh for `ttl`. For an hour after that it is still given at once, while a new one
 * is made behind it; for a day it stands in where making one fails.
 */
export function reportApp(store: Store, ttl: string, report: Report): Express {
  const app = express()
  const cache = cacheResponse({
    ...{ store, ttl, scope: 'public' },
    staleWhileRevalidate: '1h',
    staleIfError: '1d',
  })
  app.get('/report', cache, async (_req, res) => {
    res.json(await report())
  })
  return app
}

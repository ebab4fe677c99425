import express, { type Express } from 'express'
import type { Store } from 'memoryware'
import { cacheResponse, rateLimit, sessionMemory } from 'memoryware/express'

/** Conversations, counters and cached answers: each may have a server with settings of its own. */
export interface Stores {
  /** Where nothing may be lost: `noeviction`, an append-only file. */
  readonly sessions: Store
  readonly limits: Store
  /** Where what ends first goes when it is full: `volatile-ttl`. */
  readonly cache: Store
}

/** One app over three stores. */
export function shopApp({ sessions, limits, cache }: Stores): Express {
  const app = express().use(
    sessionMemory({ store: sessions }),
    rateLimit({ store: limits, limit: 60, window: '1m' }),
    express.json(),
  )
  app.get('/prices', cacheResponse({ store: cache, ttl: '5m', scope: 'public' }), (_req, res) => {
    res.json({ tea: 3, pricedAt: Date.now() })
  })
  app.post('/chat', async (req, res) => {
    await req.memory.append({ role: 'user', content: String(req.body.text) })
    res.json((await req.memory.history()).items.length)
  })
  return app
}

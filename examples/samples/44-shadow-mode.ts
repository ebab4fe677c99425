import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import express, { type Express } from 'express'
import type { LimitEvent, Store } from 'memoryware'
import { rateLimit } from 'memoryware/express'

/** What requests came to; a rule's share says whom it would hit before it does. */
export interface Counted {
  requests: number
  refused: number
  /** By rule: what it would have refused. */
  readonly wouldRefuse: Record<string, number>
}

/** Counts decisions of all limiters of this process until `stop()`: hand them to your metrics. */
export function countLimits(): { readonly counted: Counted; stop(): void } {
  const counted: Counted = { requests: 0, refused: 0, wouldRefuse: {} }
  function count(event: unknown): void {
    const { allowed, shadowed } = event as LimitEvent
    counted.requests += 1
    if (!allowed) counted.refused += 1
    for (const rule of shadowed) counted.wouldRefuse[rule] = (counted.wouldRefuse[rule] ?? 0) + 1
  }
  subscribe('memoryware:limit', count)
  return { counted, stop: () => void unsubscribe('memoryware:limit', count) }
}

/** The limit that holds, and the one that shall: it refuses nobody yet. */
export function watchedApp(store: Store): Express {
  const app = express()
  const limits = [
    { name: 'minute', limit: 5, window: '1m' },
    { name: 'minute-soon', limit: 3, window: '1m', mode: 'shadow' },
  ] as const
  app.get('/', rateLimit({ store, limits }), (_req, res) => {
    res.send('Hello')
  })
  return app
}

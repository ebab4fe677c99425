import express, { type Express } from 'express'
import type { Store } from 'memoryware'
import { cacheResponse } from 'memoryware/express'

/** Answers a question piece by piece: a model. */
export type Model = (question: string) => AsyncIterable<string>

/**
 * A stream that is made once for all who ask at the same time: who comes while it grows gets what is
 * there at once, then the rest as it comes. Who comes later gets it in the rhythm of the model.
 */
export function streamApp(store: Store, model: Model): Express {
  const app = express()
  const cache = cacheResponse({
    ...{ store, ttl: '1h', scope: 'public' },
    stream: { replay: 'original', complete: (tail) => tail.includes('data: [DONE]') },
  })
  app.get('/answer', cache, async (req, res) => {
    res.setHeader('Content-Type', 'text/event-stream')
    for await (const piece of model(String(req.query['q'])))
      res.write(`data: ${JSON.stringify(piece)}\n\n`)
    // Without it the answer is not whole, and is not stored.
    res.end('data: [DONE]\n\n')
  })
  return app
}

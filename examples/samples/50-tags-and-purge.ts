import express, { type Express } from 'express'
import type { Store } from 'memoryware'
import { cacheResponse } from 'memoryware/express'

/** An answer, and the documents it was made from. */
export interface Answer {
  readonly text: string
  readonly sources: readonly string[]
}

/** Answers from documents, kept for a day, or until one of their documents changes. */
export function answersApp(store: Store, answer: (q: string) => Promise<Answer>): Express {
  const app = express()
  const answers = cacheResponse({ store, ttl: '1d', scope: 'public' })

  app.get('/answer', answers, async (req, res) => {
    const { text, sources } = await answer(String(req.query['q']))
    req.cache.tag(...sources)
    res.json({ text })
  })

  app.put('/documents/:id', async (req, res) => {
    // Resolves when no process takes such an answer from the store any more.
    await answers.purge({ tags: [req.params.id] })
    res.sendStatus(204)
  })
  return app
}

import { setTimeout as sleep } from 'node:timers/promises'
import { Router } from 'express'
import { cacheResponse, rateLimit } from 'memoryware/express'
import type { Answers } from './answers.ts'
import { problem } from './problem.ts'

/** What the answers that show the cache are made of. */
export interface CacheParts {
  readonly answers: Answers
  /** Seconds an answer is fresh: short, so that one can watch it grow stale. */
  readonly lifeSeconds: number
}

/** What the handler takes at least, as a model would: long enough for others to ask meanwhile. */
export const handlerMs = 600
/** Seconds an answer is still given after its life, while a new one is made. */
export const staleSeconds = 60

const longestQuestion = 300
const tag = 'watched'

/** `GET /cached`, whose answers live shortly, and `DELETE /cached`, which purges them by their tag. */
export function cacheRoutes({ answers, lifeSeconds }: CacheParts): Router {
  const routes = Router()
  const limit = rateLimit({ limits: [{ name: 'watched', limit: 120, window: '1m' }] })
  const cache = cacheResponse({
    ttl: lifeSeconds,
    staleWhileRevalidate: staleSeconds,
    tags: [tag],
    // The page numbers its requests, so that the browser's own cache stays out of it.
    key: { query: ['q'] },
  })
  let runs = 0

  routes.get('/cached', limit, cache, async (req, res) => {
    const question = req.query['q']
    if (typeof question !== 'string' || question.trim() === '' || question.length > longestQuestion)
      return problem(res, 400, 'The question cannot be used', 'Send one short question as `q`.')
    runs += 1
    const run = runs
    const [{ text }] = await Promise.all([answers(question.trim()), sleep(handlerMs)])
    res.json({ run, answer: text })
  })

  // No other site can send a DELETE: browsers ask us first, and are not told yes.
  routes.delete('/cached', limit, async (_req, res) => {
    await cache.purge({ tags: [tag] })
    res.status(204).end()
  })

  return routes
}

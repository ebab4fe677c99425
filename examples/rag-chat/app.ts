import { fileURLToPath } from 'node:url'
import express, { type Express, type RequestHandler } from 'express'
import { defaultStore } from 'memoryware'
import { cacheResponse, rateLimit, sessionMemory } from 'memoryware/express'
import type { Answerer } from './answer.ts'
import { cachedAnswers } from './answers.ts'
import { cacheRoutes, handlerMs, staleSeconds } from './cache-routes.ts'
import { chatRoutes } from './chat-routes.ts'
import type { Library } from './library.ts'
import { problem, problems } from './problem.ts'
import { suggestions } from './suggest.ts'

/** What the demo is made of. */
export interface DemoParts {
  readonly library: Library
  readonly answerer: Answerer
  /** Questions a minute. */
  readonly limit: number
  /** Milliseconds between two words of an answer that is there at once. */
  readonly typingMs: number
  /** Seconds an answer of `GET /cached` is fresh. */
  readonly lifeSeconds: number
  /** Aborted when the server ends. */
  readonly closing: AbortSignal
  /** What the documents are, for the page. */
  readonly title: string
}

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

/** The demo: one page, its chats, the same answers at `GET /answer`, and a cache to watch. */
export function demoApp(parts: DemoParts): Express {
  const { library, answerer, limit, title, typingMs, lifeSeconds, closing } = parts
  const app = express()
  const answers = cachedAnswers(library, answerer)
  const perMinute = rateLimit({ limit, window: '1m' })
  const about = {
    title,
    answerer: answerer.name,
    store: defaultStore().provider,
    limit,
    documents: new Set(library.passages.map(({ file }) => file)).size,
    passages: library.passages.length,
    suggestions: suggestions(library),
    cached: { lifeSeconds, staleSeconds, handlerMs },
  }

  app.disable('x-powered-by')
  app.use(secureHeaders)
  app.use(sessionMemory())

  app.use(chatRoutes({ library, answers, limit: perMinute, typingMs, closing }))

  app.get('/answer', perMinute, cacheResponse({ ttl: '5m', scope: 'public' }), async (req, res) => {
    const question = req.query['q']
    if (typeof question !== 'string' || question.trim() === '' || question.length > 2000)
      return problem(res, 400, 'The question cannot be used', 'Send one question as `q`.')
    const { text, sources, found } = await answers(question.trim())
    res.json({ question, found, answer: text, sources })
  })

  app.use(cacheRoutes({ answers, lifeSeconds }))

  app.get('/about', (_req, res) => {
    res.set('Cache-Control', 'no-cache').json(about)
  })
  app.use(
    express.static(fileURLToPath(new URL('public', import.meta.url)), {
      cacheControl: false,
      setHeaders: (res) => res.setHeader('Cache-Control', 'no-cache'),
    }),
  )
  app.use((_req, res) => problem(res, 404, 'Not found', 'There is nothing at this address.'))
  app.use(problems)
  return app
}

const secureHeaders: RequestHandler = (_req, res, next) => {
  res.set({
    'Content-Security-Policy': policy,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
  })
  next()
}

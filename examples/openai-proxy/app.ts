import express, { type Express } from 'express'
import type { Duration, Store } from 'memoryware'
import { cacheResponse, rateLimit } from 'memoryware/express'
import { apiErrors, apiRefusals, unknownUrl } from './api-error.ts'
import { askedOf, estimate, isRepeatable, largestQuestion, readAsked } from './asked.ts'
import { admit, callerOf } from './caller.ts'
import { forward, type Upstream } from './forward.ts'

/** How the proxy works. */
export interface ProxyOptions extends Upstream {
  /** API keys that may ask. @default any: upstream judges each */
  readonly keys?: readonly string[] | undefined
  /** Whether each API key has its own answers, or all share them. @default 'key' */
  readonly share?: 'key' | 'public'
  /** How long an answer is right; for a day after that it stands in where the model fails. @default '1h' */
  readonly ttl?: Duration
  /** Of each API key, hits too. @default 60 */
  readonly requestsPerMinute?: number
  /** Of each API key; hits take none. @default 200_000 */
  readonly tokensPerDay?: number
  /** Lets its bearer forget the answers of a model. @default nobody may */
  readonly adminKey?: string | undefined
  /** @default the default store */
  readonly store?: Store
}

/** OpenAI's chat completions, with limits and a cache in front of them. */
export function proxyApp(options: ProxyOptions): Express {
  const { keys, adminKey, share = 'key', ttl = '1h', store } = options
  const { requestsPerMinute = 60, tokensPerDay = 200_000 } = options
  // A shared answer, or a shared key upstream, is there for nobody whom upstream has not seen.
  if (keys === undefined && (share === 'public' || options.apiKey !== undefined))
    throw new Error('Name the `keys` that may ask: upstream does not see them')
  const shared = { ...(store && { store }), key: callerOf, headers: ['openai'] as const }

  const perMinute = rateLimit({
    ...shared,
    limits: [{ name: 'rpm', limit: requestsPerMinute, window: '1m' }],
  })
  const answers = cacheResponse({
    store,
    ttl,
    methods: ['POST'],
    scope: share === 'public' ? 'public' : callerOf,
    when: isRepeatable,
    tags: (req) => [tagOf(askedOf(req).model)],
    stream: { complete: (tail) => tail.toString().trimEnd().endsWith('data: [DONE]') },
    staleIfError: '1d',
    maxRequestBody: largestQuestion,
  })
  const perDay = rateLimit({
    ...shared,
    limits: [{ name: 'tpd', limit: tokensPerDay, window: '1d', cost: estimate, unit: 'tokens' }],
  })

  const app = express().disable('x-powered-by')
  app.get('/health', (_req, res) => void res.json({ status: 'ok' }))
  app.use('/v1', apiRefusals, admit(keys), perMinute)
  app.get('/v1/models', forward(options, '/models'))
  // A hit ends at `answers`: it takes no tokens.
  app.post(
    '/v1/chat/completions',
    readAsked,
    answers,
    perDay,
    forward(options, '/chat/completions'),
  )
  app.delete('/cache/:model', admit(adminKey ? [adminKey] : []), async (req, res) => {
    await answers.purge({ tags: [tagOf(String(req.params['model']))] })
    res.sendStatus(204)
  })
  app.use(unknownUrl, apiErrors)
  return app
}

function tagOf(model: string): string {
  return `model:${model}`
}

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Request } from 'express'
import type { Awaitable } from '../lib/awaitable.ts'
import type { Memory } from '../lib/history/memory.ts'
import type { Limiter } from '../lib/limit/limiter.ts'
import {
  type Answers,
  type CacheControl,
  type CacheResponseOptions,
  cacheResponseCore,
} from './cache-response.ts'
import { captureResponse } from './capture.ts'
import { giveCommonShape } from './common-shape.ts'
import { alone, carry, coresOf, type Plan, together, Walk } from './compose.ts'
import type { AnyCore, Outcome } from './exchange.ts'
import { ExpressExchange } from './express-exchange.ts'
import { refreshResponse } from './express-refresh.ts'
import { gathered } from './gathering.ts'
import { watchHead } from './head-watch.ts'
import type { SessionMemoryOptions } from './memory-options.ts'
import { type MemoryRoutesOptions, memoryRoutesCore } from './memory-routes.ts'
import { rateLimitCore } from './rate-limit.ts'
import type { RateLimitOptions } from './rate-limit-options.ts'
import type { RateLimitState } from './request-limits.ts'
import { sessionMemoryCore } from './session-memory.ts'

export type * from './public-types.ts'

declare global {
  namespace Express {
    interface Request {
      /** Set by `sessionMemory()`: the conversation of this request's session. */
      memory: Memory
      /** Set by `rateLimit()`: where this request stands. */
      rateLimit: RateLimitState
      /** Set by `cacheResponse()`: what the cache does with this request. */
      cache: CacheControl
    }
  }
}

/**
 * Takes Node's own request and response: Express mounts it, and so does everything that hands these
 * on. Failures go to `next`; the promise is kept once it has answered or called `next`.
 */
export type NodeMiddleware = (
  req: IncomingMessage,
  res: ServerResponse,
  next: (error?: unknown) => void,
) => Promise<void>

type Next = Parameters<NodeMiddleware>[2]

/**
 * Gives handlers `req.memory`, the conversation of this request's session.
 *
 * @throws OptionError for a wrong or unknown option, when mounting.
 */
export function sessionMemory(options: SessionMemoryOptions<Request> = {}): NodeMiddleware {
  return composable([sessionMemoryCore(options)])
}

/**
 * Answers 429 above the limit, with `RateLimit` header fields
 * (draft-ietf-httpapi-ratelimit-headers-11), and gives handlers `req.rateLimit`. What it gives back
 * counts outside requests as well: `check`, `peek`, `reset`, `block`.
 *
 * @throws OptionError for a wrong or unknown option, when mounting.
 */
export function rateLimit(options: RateLimitOptions<Request>): NodeMiddleware & Limiter<Request> {
  const core = rateLimitCore(options)
  return Object.assign(composable([core]), core.limiter)
}

/**
 * Answers repeated requests from the store as RFC 9111 lets a shared cache, and gives handlers
 * `req.cache`. What it gives back purges stored responses: `answers.purge({ tags: ['prices'] })`.
 *
 * @throws OptionError for a wrong or unknown option, when mounting.
 */
export function cacheResponse(
  options: CacheResponseOptions<Request> = {},
): NodeMiddleware & Answers {
  const core = cacheResponseCore(options)
  return Object.assign(composable([core]), core.answers)
}

/**
 * Routes over the user's sessions, to be mounted on a path: `app.use('/chats', memoryRoutes())`. They
 * list, read, rename, delete, rewind, fork and export, and follow and stop a turn.
 *
 * @throws OptionError for a wrong or unknown option, when mounting.
 */
export function memoryRoutes(options: MemoryRoutesOptions<Request> = {}): NodeMiddleware {
  return mount(alone(memoryRoutesCore(options)))
}

/**
 * One middleware of several that `sessionMemory()`, `rateLimit()`, `cacheResponse()` and `compose()`
 * made: as if each were mounted by itself in this order, in fewer round trips.
 *
 * The cache looks into the store while a limiter before it waits for its answer, in the same write
 * where they share a store. A refused request uses nothing of that: its body is not read, no function
 * of yours is called that would not have been called without `compose()`, and where the refusal is
 * known without the store, nothing is looked up. So a cache with functions of its own (`when`,
 * `scope`, `key`, or a `user` that the limiter does not ask) waits until the limiter has passed.
 *
 * @throws OptionError for anything else than those, naming its place, when mounting.
 */
export function compose(...middlewares: NodeMiddleware[]): NodeMiddleware {
  return composable(coresOf<Request>(framework, middlewares))
}

const framework = 'express'

function composable(cores: readonly AnyCore<Request>[]): NodeMiddleware {
  return carry(mount(together(cores)), { framework, cores })
}

function mount(plan: Plan<Request>): NodeMiddleware {
  const begin: NodeMiddleware = (req, res, next) => {
    const exchange = new ExpressExchange(req as Request, res)
    const walk = new Walk(plan, exchange)
    let passed: Awaitable<boolean>
    try {
      passed = passes(exchange, walk, next)
    } catch (error) {
      next(failureOf(error))
      return over
    }
    if (passed instanceof Promise) return afterwards(passed, next)
    if (passed) next()
    return over
  }
  return function memoryware(req, res, next) {
    const others = gathered(req)
    if (others === undefined) return begin(req, res, next)
    return others.then(() => {
      giveCommonShape(req, res)
      return begin(req, res, next)
    })
  }
}

/** What is promised of a request that nothing has held up. */
const over = Promise.resolve()

async function afterwards(passed: Promise<boolean>, next: Next): Promise<void> {
  try {
    if (!(await passed)) return
  } catch (error) {
    return next(failureOf(error))
  }
  next()
}

/** Without an error, `next` would let the request pass. */
function failureOf(error: unknown): unknown {
  return error || new Error('A middleware failed and did not say why')
}

/** Walks on, and says whether the application is next. */
function passes(exchange: ExpressExchange, walk: Walk<Request>, next: Next): Awaitable<boolean> {
  while (!walk.done) {
    const outcome = walk.step()
    if (outcome instanceof Promise)
      return outcome.then(
        (found) => goesOn(exchange, walk, next, found) && passes(exchange, walk, next),
      )
    if (!goesOn(exchange, walk, next, outcome)) return false
  }
  return true
}

/** Does what a core decided, and says whether the request goes on. */
function goesOn(
  exchange: ExpressExchange,
  walk: Walk<Request>,
  next: Next,
  outcome: Outcome,
): boolean {
  if (outcome === 'next') return true
  if (outcome === 'answered') return false
  if ('refresh' in outcome) {
    // Who mounted this waits for the answer, not for what comes after it.
    const rest = async (): Promise<void> => {
      if (await passes(exchange, walk, next)) next()
    }
    void refreshResponse(exchange.answered, outcome.refresh, rest)
    return false
  }
  if ('watch' in outcome) watchHead(exchange.res, outcome.watch)
  else captureResponse(exchange.res, outcome.observe)
  return true
}

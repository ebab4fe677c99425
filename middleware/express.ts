import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { Request } from 'express'
import type { Memory } from '../lib/history/memory.ts'
import type { Limiter } from '../lib/limit/limiter.ts'
import {
  type Answers,
  type CacheControl,
  type CacheResponseOptions,
  cacheResponseCore,
} from './cache-response.ts'
import { captureResponse } from './capture.ts'
import { alone, carry, coresOf, type Plan, together, Walk } from './compose.ts'
import type { AnyCore, Exchange, Fields } from './exchange.ts'
import { type Answered, refreshResponse } from './express-refresh.ts'
import type { SessionMemoryOptions } from './memory-options.ts'
import { type MemoryRoutesOptions, memoryRoutesCore } from './memory-routes.ts'
import { rateLimitCore } from './rate-limit.ts'
import type { RateLimitOptions } from './rate-limit-options.ts'
import { answerRaw } from './raw-answer.ts'
import type { RateLimitState } from './request-limits.ts'
import { headOf, type ResponseHead } from './response-head.ts'
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
  return async function memoryware(req, res, next) {
    const exchange = new ExpressExchange(req as Request, res)
    const walk = new Walk(plan, exchange)
    const rest = async (): Promise<void> => {
      if (await passes(exchange, walk, rest)) next()
    }
    try {
      if (!(await passes(exchange, walk, rest))) return
    } catch (error) {
      // Without an error, `next` would let the request pass.
      return next(error || new Error('A middleware failed and did not say why'))
    }
    next()
  }
}

/** Walks on, and says whether the application is next. */
async function passes(
  exchange: ExpressExchange,
  walk: Walk<Request>,
  rest: () => Promise<void>,
): Promise<boolean> {
  while (!walk.done) {
    const outcome = await walk.step()
    if (outcome === 'answered') return false
    if (outcome === 'next') continue
    if ('refresh' in outcome) {
      // Who mounted this waits for the answer, not for what comes after it.
      void refreshResponse(exchange.answered, outcome.refresh, rest)
      return false
    }
    captureResponse(exchange.res, outcome.observe)
  }
  return true
}

interface Visitor {
  user?: { id?: unknown }
  session?: { userId?: unknown }
}

/** What Express adds to Node's request, some of which others add as well. */
type Added = Partial<
  Pick<Request, 'app' | 'originalUrl' | 'protocol' | 'host' | 'hostname' | 'ip' | 'params'>
>

class ExpressExchange implements Exchange<Request> {
  readonly native: Request
  readonly res: ServerResponse
  readonly #req: IncomingMessage & Added
  #head: ResponseHead | undefined

  constructor(req: Request, res: ServerResponse) {
    this.native = req
    this.res = res
    this.#req = req
  }

  get req(): Request {
    return this.native
  }

  get url(): string {
    return this.#req.originalUrl ?? this.#req.url ?? '/'
  }

  get target(): ServerResponse {
    return this.res
  }

  get path(): string {
    return (this.#req.url ?? '/').split('?', 1)[0] ?? '/'
  }

  get protocol(): string {
    const { protocol, socket } = this.#req
    return protocol ?? ('encrypted' in socket && socket.encrypted ? 'https' : 'http')
  }

  get host(): string {
    const { host, hostname = '', headers } = this.#req
    // Fastify gives the name that a trusted proxy vouches for, and leaves out the port.
    return host ?? `${hostname} ${headers[':authority'] ?? headers.host ?? ''}`.trim()
  }

  get ip(): string | undefined {
    return this.#req.ip ?? this.#req.socket.remoteAddress
  }

  get app(): unknown {
    return this.#req.app
  }

  get userId(): unknown {
    const { user, session } = this.native as Visitor
    return user?.id ?? session?.userId
  }

  get sessionParam(): string | undefined {
    const value = this.#req.params?.['sessionId']
    return Array.isArray(value) ? value.join('/') : value
  }

  /** The request as one that has been answered. */
  get answered(): Answered {
    return { req: this.native, res: this.res, head: this.#head ?? headOf(this.res) }
  }

  parsedBody(): unknown {
    return this.native.body
  }

  attach(name: string, read: () => unknown): void {
    Object.defineProperty(this.native, name, { get: read, configurable: true, enumerable: false })
  }

  answer(status: number, fields: Fields, body: Buffer | Readable | undefined): void {
    this.#head ??= headOf(this.res)
    answerRaw(this.res, status, fields, body)
  }
}

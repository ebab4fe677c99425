import type { Request, RequestHandler, Response } from 'express'
import type { Memory } from '../lib/history/memory.ts'
import {
  type CacheControl,
  type CacheResponseOptions,
  cacheResponseCore,
} from './cache-response.ts'
import { captureResponse } from './capture.ts'
import { alone, type Exchange, type Fields, type Handler } from './exchange.ts'
import { rateLimitCore } from './rate-limit.ts'
import type { RateLimitOptions } from './rate-limit-options.ts'
import type { RateLimitState } from './request-state.ts'
import { type SessionMemoryOptions, sessionMemoryCore } from './session-memory.ts'

export type {
  BodyOf,
  CacheControl,
  CachedMethod,
  CacheKeyOptions,
  CacheResponseOptions,
  CacheResult,
  ResponseHead,
  ScopeOf,
  TtlOf,
} from './cache-response.ts'
export type { RateLimitOptions } from './rate-limit-options.ts'
export type { RateLimitState } from './request-state.ts'
export type { ContextOptions, SessionMemoryOptions } from './session-memory.ts'

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
 * Gives handlers `req.memory`, the conversation of this request's session.
 *
 * @throws OptionError for a wrong or unknown option, when mounting.
 */
export function sessionMemory(options: SessionMemoryOptions<Request> = {}): RequestHandler {
  return mount(alone(sessionMemoryCore(options)))
}

/**
 * Answers 429 above the limit, with `RateLimit` header fields
 * (draft-ietf-httpapi-ratelimit-headers-11), and gives handlers `req.rateLimit`.
 *
 * @throws OptionError for a wrong or unknown option, when mounting.
 */
export function rateLimit(options: RateLimitOptions<Request>): RequestHandler {
  return mount(alone(rateLimitCore(options)))
}

/**
 * Answers repeated requests from the store as RFC 9111 lets a shared cache, and gives handlers
 * `req.cache`.
 *
 * @throws OptionError for a wrong or unknown option, when mounting.
 */
export function cacheResponse(options: CacheResponseOptions<Request> = {}): RequestHandler {
  return mount(alone(cacheResponseCore(options)))
}

function mount(handle: Handler<Request>): RequestHandler {
  return async function memoryware(req, res, next) {
    const outcome = await handle(new ExpressExchange(req, res))
    if (outcome === 'answered') return
    if (outcome !== 'next') captureResponse(res, outcome.observe)
    next()
  }
}

interface Visitor {
  user?: { id?: unknown }
  session?: { userId?: unknown }
}

class ExpressExchange implements Exchange<Request> {
  readonly native: Request
  readonly res: Response

  constructor(req: Request, res: Response) {
    this.native = req
    this.res = res
  }

  get req(): Request {
    return this.native
  }

  get url(): string {
    return this.native.originalUrl
  }

  get protocol(): string {
    return this.native.protocol
  }

  get host(): string {
    return this.native.host
  }

  get ip(): string | undefined {
    return this.native.ip
  }

  get userId(): unknown {
    const { user, session } = this.native as Visitor
    return user?.id ?? session?.userId
  }

  get sessionParam(): string | undefined {
    const value = this.native.params['sessionId']
    return Array.isArray(value) ? value.join('/') : value
  }

  parsedBody(): unknown {
    return this.native.body
  }

  attach(name: string, read: () => unknown): void {
    Object.defineProperty(this.native, name, { get: read, configurable: true, enumerable: false })
  }

  answer(status: number, fields: Fields, body: Buffer | undefined): void {
    this.res.statusCode = status
    for (const [name, value] of Object.entries(fields)) this.res.setHeader(name, value)
    this.res.end(body)
  }
}

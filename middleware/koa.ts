import type { Readable } from 'node:stream'
import type { Context, Middleware, Next } from 'koa'
import type { Memory } from '../lib/history/memory.ts'
import type { Limiter } from '../lib/limit/limiter.ts'
import {
  type Answers,
  type CacheControl,
  type CacheResponseOptions,
  cacheResponseCore,
} from './cache-response.ts'
import { alone, carry, coresOf, type Plan, together, Walk } from './compose.ts'
import type { AnyCore, Exchange, Fields } from './exchange.ts'
import { guestCookie } from './identity.ts'
import { observeContext } from './koa-observe.ts'
import { refreshContext } from './koa-refresh.ts'
import { ContextState } from './koa-state.ts'
import type { SessionMemoryOptions } from './memory-options.ts'
import { type MemoryRoutesOptions, memoryRoutesCore } from './memory-routes.ts'
import { rateLimitCore } from './rate-limit.ts'
import type { RateLimitOptions } from './rate-limit-options.ts'
import { answerRaw } from './raw-answer.ts'
import type { RateLimitState } from './request-limits.ts'
import { requestState } from './request-state.ts'
import { sessionMemoryCore } from './session-memory.ts'

export type * from './public-types.ts'

declare module 'koa' {
  interface DefaultContext {
    /** Set by `sessionMemory()`: the conversation of this request's session. */
    memory: Memory
    /** Set by `rateLimit()`: where this request stands. */
    rateLimit: RateLimitState
    /** Set by `cacheResponse()`: what the cache does with this request. */
    cache: CacheControl
  }
}

/**
 * Gives handlers `ctx.memory`, the conversation of this request's session.
 *
 * @throws OptionError for a wrong or unknown option, when mounting.
 */
export function sessionMemory(options: SessionMemoryOptions<Context> = {}): Middleware {
  return composable([sessionMemoryCore(options)])
}

/**
 * Answers 429 above the limit, with `RateLimit` header fields
 * (draft-ietf-httpapi-ratelimit-headers-11), and gives handlers `ctx.rateLimit`. What it gives back
 * counts outside requests as well: `check`, `peek`, `reset`, `block`.
 *
 * @throws OptionError for a wrong or unknown option, when mounting.
 */
export function rateLimit(options: RateLimitOptions<Context>): Middleware & Limiter<Context> {
  const core = rateLimitCore(options)
  return Object.assign(composable([core]), core.limiter)
}

/**
 * Answers repeated requests from the store as RFC 9111 lets a shared cache, and gives handlers
 * `ctx.cache`. What it gives back purges stored responses: `answers.purge({ tags: ['prices'] })`.
 *
 * @throws OptionError for a wrong or unknown option, when mounting.
 */
export function cacheResponse(options: CacheResponseOptions<Context> = {}): Middleware & Answers {
  const core = cacheResponseCore(options)
  return Object.assign(composable([core]), core.answers)
}

/**
 * Routes over the user's sessions, below a path: `app.use(memoryRoutes({ path: '/chats' }))`, or
 * without it where a mount takes the path off. They list, read, rename, delete, rewind, fork and
 * export, and follow and stop a turn.
 *
 * @throws OptionError for a wrong or unknown option, when mounting.
 */
export function memoryRoutes(options: MemoryRoutesOptions<Context> = {}): Middleware {
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
export function compose(...middlewares: Middleware[]): Middleware {
  return composable(coresOf<Context>(framework, middlewares))
}

const framework = 'koa'

function composable(cores: readonly AnyCore<Context>[]): Middleware {
  return carry(mount(together(cores)), { framework, cores })
}

function mount(plan: Plan<Context>): Middleware {
  return async function memoryware(ctx, next) {
    const exchange = new KoaExchange(ctx)
    await go(exchange, new Walk(plan, exchange), next)
  }
}

async function go(exchange: KoaExchange, walk: Walk<Context>, next: Next): Promise<void> {
  const ctx = exchange.native
  const outcome = await walk.step().catch(failed)
  if (outcome === 'answered') return
  const further: Next = walk.done ? next : () => go(exchange, walk, next)
  if (typeof outcome === 'object' && 'refresh' in outcome) {
    void refreshContext(ctx, exchange.before, outcome.refresh, further)
    return
  }
  try {
    if (outcome === 'next') await further()
    else await observeContext(ctx, further, outcome.observe)
  } catch (error) {
    keepFields(ctx, error)
    // Where the client has gone, the response does not tell of the failure.
    for (const fail of requestState(ctx.req).failures.splice(0)) fail()
    throw error
  }
}

/** Koa would never answer a failure that is nothing. */
function failed(error: unknown): never {
  throw error ?? new Error('A middleware failed and did not say why')
}

const ours = /^(x-)?ratelimit/i

/**
 * Koa takes all fields off a response whose handler throws, but for those on the error. Without
 * the cookie a guest would be somebody else at every failure.
 */
function keepFields({ res }: Context, error: unknown): void {
  if (!(error instanceof Error) || res.headersSent) return
  const fields: Record<string, unknown> = {}
  for (const name of res.getHeaderNames()) {
    if (ours.test(name)) fields[name] = res.getHeader(name)
  }
  const cookies = [res.getHeader('Set-Cookie') ?? []].flat().map(String)
  const guest = cookies.filter((cookie) => cookie.startsWith(`${guestCookie}=`))
  if (guest.length > 0) fields['Set-Cookie'] = guest
  const failure = error as Error & { headers?: Record<string, unknown> }
  if (Object.keys(fields).length > 0) failure.headers = { ...fields, ...failure.headers }
}

interface Visitor {
  state: { user?: { id?: unknown } }
  session?: { userId?: unknown } | null
  params?: Record<string, string | undefined>
  request: { body?: unknown }
}

class KoaExchange implements Exchange<Context> {
  readonly native: Context
  #before: ContextState | undefined

  constructor(ctx: Context) {
    this.native = ctx
  }

  /** What stood there before it was answered. */
  get before(): ContextState {
    return this.#before ?? new ContextState(this.native)
  }

  get req(): Context['req'] {
    return this.native.req
  }

  get res(): Context['res'] {
    return this.native.res
  }

  get url(): string {
    return this.native.originalUrl
  }

  get target(): Context {
    return this.native
  }

  get path(): string {
    try {
      return this.native.path
    } catch {
      // Koa parses the target, and not everything that Node lets in is a URL: `http://[::/`.
      return this.native.url.split('?', 1)[0] ?? '/'
    }
  }

  get protocol(): string {
    return this.native.protocol
  }

  get host(): string {
    return this.native.host
  }

  get ip(): string | undefined {
    return this.native.ip || undefined
  }

  get app(): unknown {
    return this.native.app
  }

  get userId(): unknown {
    const { state, session } = this.native as Visitor
    return state.user?.id ?? session?.userId
  }

  get sessionParam(): string | undefined {
    return (this.native as Visitor).params?.['sessionId']
  }

  parsedBody(): unknown {
    return (this.native as Visitor).request.body
  }

  attach(name: string, read: () => unknown): void {
    Object.defineProperty(this.native, name, { get: read, configurable: true, enumerable: false })
  }

  answer(status: number, fields: Fields, body: Buffer | Readable | undefined): void {
    this.#before ??= new ContextState(this.native)
    // Koa sends nothing for who has taken the raw response.
    if (this.native.respond === false) {
      answerRaw(this.res, status, fields, body)
      return
    }
    this.native.status = status
    for (const [name, value] of Object.entries(fields))
      this.native.set(name, value as string | string[])
    if (body !== undefined) this.native.body = body
  }
}

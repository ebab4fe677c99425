import type { Context, Middleware, Next } from 'koa'
import type { Awaitable } from '../lib/awaitable.ts'
import type { Memory } from '../lib/history/memory.ts'
import type { Limiter } from '../lib/limit/limiter.ts'
import {
  type Answers,
  type CacheControl,
  type CacheResponseOptions,
  cacheResponseCore,
} from './cache-response.ts'
import { alone, carry, coresOf, type Plan, together, Walk } from './compose.ts'
import type { AnyCore, HeadWatcher, Observer, Outcome } from './exchange.ts'
import { gathered } from './gathering.ts'
import { watchHead } from './head-watch.ts'
import { guestCookie } from './identity.ts'
import { KoaExchange } from './koa-exchange.ts'
import { observeContext } from './koa-observe.ts'
import { goesOn } from './koa-place.ts'
import { refreshContext } from './koa-refresh.ts'
import type { SessionMemoryOptions } from './memory-options.ts'
import { type MemoryRoutesOptions, memoryRoutesCore } from './memory-routes.ts'
import { rateLimitCore } from './rate-limit.ts'
import type { RateLimitOptions } from './rate-limit-options.ts'
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
  const begin = (ctx: Context, next: Next): Promise<void> => {
    const exchange = new KoaExchange(ctx, memoryware)
    return go(exchange, new Walk(plan, exchange), next)
  }
  function memoryware(ctx: Context, next: Next): Promise<void> {
    return gathered(ctx.req)?.then(() => begin(ctx, next)) ?? begin(ctx, next)
  }
  return memoryware
}

function go(exchange: KoaExchange, walk: Walk<Context>, next: Next): Promise<void> {
  let outcome: Awaitable<Outcome>
  try {
    outcome = walk.step()
  } catch (error) {
    return Promise.reject(failureOf(error))
  }
  if (!(outcome instanceof Promise)) return goOn(exchange, walk, next, outcome)
  return outcome.then(
    (found) => goOn(exchange, walk, next, found),
    (error) => {
      throw failureOf(error)
    },
  )
}

/** Koa would never answer a failure that is nothing. */
function failureOf(error: unknown): unknown {
  return error ?? new Error('A middleware failed and did not say why')
}

/** What is promised of a request that nothing has held up. */
const over: Promise<void> = Promise.resolve()

function goOn(
  exchange: KoaExchange,
  walk: Walk<Context>,
  next: Next,
  outcome: Outcome,
): Promise<void> {
  if (outcome === 'answered') return over
  if (walk.done) goesOn(exchange.native)
  const further: Next = walk.done ? next : () => go(exchange, walk, next)
  if (outcome === 'next') return onward(exchange.native, further)
  if ('refresh' in outcome) {
    void refreshContext(exchange.native, exchange.before, outcome.refresh, further)
    return over
  }
  return behind(exchange.native, further, outcome)
}

/** Who looks at what the rest of the chain answers. */
type Looks = { readonly observe: Observer } | { readonly watch: HeadWatcher }

/** Tells of the head as it stands when the rest of the chain is done, also where the client has gone. */
async function watchContext(ctx: Context, further: Next, watcher: HeadWatcher): Promise<void> {
  const head = watchHead(ctx.res, watcher)
  await further()
  if (ctx.respond !== false) head.tell()
}

/** Runs what comes behind us. */
function onward(ctx: Context, further: Next): Promise<void> {
  try {
    // Who calls us without Koa may hand in what gives another kind of promise, or none.
    return Promise.resolve(further()).catch((error: unknown) => failed(ctx, error))
  } catch (error) {
    return new Promise(() => failed(ctx, error))
  }
}

/** Runs what comes behind us, and looks at what it answers. */
async function behind(ctx: Context, further: Next, looks: Looks): Promise<void> {
  try {
    if ('observe' in looks) await observeContext(ctx, further, looks.observe)
    else await watchContext(ctx, further, looks.watch)
  } catch (error) {
    failed(ctx, error)
  }
}

function failed(ctx: Context, error: unknown): never {
  keepFields(ctx, error)
  // Where the client has gone, the response does not tell of the failure.
  for (const fail of requestState(ctx.req).failures.splice(0)) fail()
  throw error
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

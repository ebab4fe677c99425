import Koa, { type Context, type Middleware, type Next } from 'koa'
import { defaultStore, isAway } from 'memoryware'
import { answer } from './answering.ts'
import { readAsked } from './asked.ts'
import type { Counts } from './counts.ts'
import { files } from './files.ts'
import type { Model } from './model.ts'
import { callerOf, signIn, tenants } from './people.ts'
import { quotas, reset, standingOf } from './quotas.ts'
import { UnderWay } from './under-way.ts'

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** A page that shows budgets, and what it asks. */
export function quotasApp(model: Model, counts: Readonly<Counts>): Koa {
  const app = new Koa()
  const limit = quotas()
  const underWay = new UnderWay()
  // Who leaves in the middle of an answer is no failure.
  app.on('error', (error: Failure) => {
    if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') app.onerror(error)
  })
  app.use(secureHeaders)
  app.use(problems)
  app.use(at('POST /ask', signIn))
  app.use(at('POST /ask', readAsked))
  app.use(at('POST /ask', limit))
  app.use(at('POST /ask', (ctx) => answer(ctx, model, underWay)))

  app.use(at('GET /budgets', signIn))
  app.use(
    at('GET /budgets', async (ctx) => {
      const { limits, blocked, retryAfter } = await standingOf(limit, ctx)
      ctx.set('Cache-Control', 'no-store')
      ctx.body = { limits, blocked, retryAfter, reserved: underWay.reserved(callerOf(ctx)), counts }
    }),
  )

  app.use(at('POST /reset', signIn))
  app.use(
    at('POST /reset', async (ctx) => {
      await reset(limit, ctx)
      ctx.status = 204
    }),
  )

  app.use(
    at('GET /about', (ctx) => {
      ctx.set('Cache-Control', 'no-cache')
      ctx.body = { tenants, store: defaultStore().provider, instance: process.pid }
    }),
  )
  app.use(files)
  return app
}

function at(route: string, middleware: Middleware): Middleware {
  return (ctx, next) => (`${ctx.method} ${ctx.path}` === route ? middleware(ctx, next) : next())
}

function secureHeaders(ctx: Context, next: Next): Promise<void> {
  ctx.set({
    'Content-Security-Policy': policy,
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  })
  return next()
}

/** Errors as problem documents (RFC 9457), with the header fields they carry. */
async function problems(ctx: Context, next: Next): Promise<void> {
  try {
    await next()
    if (ctx.status === 404 && ctx.body === undefined)
      ctx.throw(404, 'There is nothing at this address')
  } catch (error) {
    const { status = 500, expose, message, headers } = error as Failure
    const code = isAway(error) ? 503 : status
    if (code >= 500) ctx.app.emit('error', error, ctx)
    ctx.set(headers ?? {})
    ctx.status = code
    const detail = expose ? message : 'Something went wrong on the server.'
    ctx.body = JSON.stringify({ status: code, detail })
    ctx.type = 'application/problem+json'
  }
}

/** What Koa and the middlewares put on errors. */
interface Failure extends Error {
  readonly code?: string
  readonly status?: number
  readonly expose?: boolean
  readonly headers?: Readonly<Record<string, string>>
}

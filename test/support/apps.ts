import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type Request } from 'express'
import Koa, { type Context, type Next } from 'koa'
import type { Memory, ReplyTarget } from '../../lib/index.ts'
import type { CacheResponseOptions } from '../../middleware/cache-response.ts'
import * as onExpress from '../../middleware/express.ts'
import * as onKoa from '../../middleware/koa.ts'
import type { SessionMemoryOptions } from '../../middleware/memory-options.ts'
import type { MemoryRoutesOptions } from '../../middleware/memory-routes.ts'
import type { RateLimitOptions } from '../../middleware/rate-limit-options.ts'

/** A request and its response, as the handlers of these tests see them on either framework. */
export interface Exchange {
  readonly memory: Memory
  readonly rateLimit: Request['rateLimit']
  readonly cache: Request['cache']
  readonly query: URLSearchParams
  readonly body: string
  header(name: string): string | undefined
  set(name: string, value: string): void
  send(status: number, body: unknown): void
  /** What a turn is piped to: `res` or `ctx`. */
  readonly target: ReplyTarget
}

/** What functions in options are given: Express's `req` and Koa's `ctx` both read fields so. */
export interface Native {
  get(name: string): string | undefined
}

/** Options that hold on both frameworks. */
export interface Mounts {
  memory?: Omit<SessionMemoryOptions<Native>, 'user'>
  /** `memoryRoutes()` on `/chats`; `alone` without `sessionMemory()` before it. */
  routes?: 'alone' | 'behind'
  /** A JSON body parser of the framework's own before all. */
  parser?: boolean
  limit?: Omit<RateLimitOptions<Native>, 'user'>
  cache?: Omit<CacheResponseOptions<Native>, 'user'>
  /** Reads the user from the field X-User: what a sign-in would do. @default true */
  signIn?: boolean
  /** @default false */
  trustProxy?: boolean
}

/** The same app on one framework. */
export interface Framework {
  readonly name: 'express' | 'koa'
  serve(mounts: Mounts, handle: (exchange: Exchange) => unknown): Promise<App>
  /** Makes a mount of routes. */
  routes(options: MemoryRoutesOptions<Native>): unknown
}

/** A served app. */
export interface App {
  readonly url: string
  close(): Promise<void>
}

/** Both frameworks: what a test says of one must hold in the other. */
export const frameworks: readonly Framework[] = [
  {
    name: 'express',
    serve: async (mounts, handle) => listen(expressApp(mounts, handle)),
    routes: (options) => onExpress.memoryRoutes(options as onExpress.MemoryRoutesOptions<Request>),
  },
  {
    name: 'koa',
    serve: async (mounts, handle) => listen(koaApp(mounts, handle)),
    routes: (options) => onKoa.memoryRoutes(options as onKoa.MemoryRoutesOptions<Context>),
  },
]

function expressApp(mounts: Mounts, handle: (exchange: Exchange) => unknown): RequestListener {
  const app = express()
  app.set('trust proxy', mounts.trustProxy ?? false)
  if (mounts.parser) app.use(express.json({ limit: '20mb' }))
  const user = mounts.signIn === false ? {} : { user: (req: Request) => req.get('x-user') }
  if (mounts.memory && mounts.routes !== 'alone')
    app.use(onExpress.sessionMemory({ ...mounts.memory, ...user }))
  if (mounts.limit) app.use(onExpress.rateLimit({ ...mounts.limit, ...user }))
  if (mounts.cache) app.use(onExpress.cacheResponse({ ...mounts.cache, ...user }))
  if (mounts.routes === 'behind') app.use('/chats', onExpress.memoryRoutes())
  if (mounts.routes === 'alone')
    app.use('/chats', onExpress.memoryRoutes({ ...mounts.memory, ...user }))
  app.use(express.text({ type: '*/*', limit: '5mb' }))
  app.use(async (req, res) => {
    await handle({
      get memory() {
        return req.memory
      },
      get rateLimit() {
        return req.rateLimit
      },
      get cache() {
        return req.cache
      },
      query: new URL(req.originalUrl, 'http://test').searchParams,
      body: String(req.body ?? ''),
      header: (name) => req.get(name),
      set: (name, value) => res.set(name, value),
      send: (status, body) => res.status(status).send(body),
      target: res,
    })
  })
  app.use((error: Failure, _req: Request, res: express.Response, _next: express.NextFunction) => {
    // What was streamed has told of the failure itself.
    if (res.headersSent) return
    res.status(error.status ?? 500).set(error.headers ?? {})
    res.send(error.expose ? error.message : 'Internal Server Error')
  })
  return app
}

interface Failure extends Error {
  status?: number
  expose?: boolean
  headers?: Record<string, string>
}

function koaApp(mounts: Mounts, handle: (exchange: Exchange) => unknown): RequestListener {
  const app = new Koa({ proxy: mounts.trustProxy ?? false })
  // Errors that the tests ask for are not news.
  app.silent = true
  const user =
    mounts.signIn === false ? {} : { user: (ctx: Context) => ctx.get('x-user') || undefined }
  if (mounts.parser) app.use(parseJson)
  if (mounts.memory && mounts.routes !== 'alone')
    app.use(onKoa.sessionMemory({ ...mounts.memory, ...user }))
  if (mounts.limit) app.use(onKoa.rateLimit({ ...mounts.limit, ...user }))
  if (mounts.cache) app.use(onKoa.cacheResponse({ ...mounts.cache, ...user }))
  const path = '/chats'
  if (mounts.routes === 'behind') app.use(onKoa.memoryRoutes({ path }))
  if (mounts.routes === 'alone') app.use(onKoa.memoryRoutes({ path, ...mounts.memory, ...user }))
  app.use(async (ctx) => {
    const chunks: Buffer[] = []
    for await (const chunk of ctx.req) chunks.push(chunk as Buffer)
    await handle({
      get memory() {
        return ctx.memory
      },
      get rateLimit() {
        return ctx.rateLimit
      },
      get cache() {
        return ctx.cache
      },
      query: new URL(ctx.originalUrl, 'http://test').searchParams,
      body: Buffer.concat(chunks).toString(),
      header: (name) => ctx.get(name) || undefined,
      set: (name, value) => ctx.set(name, value),
      send: (status, body) => {
        ctx.status = status
        ctx.body = body
      },
      target: ctx,
    })
  })
  return app.callback()
}

/** What a body parser for Koa does. */
async function parseJson(ctx: Context, next: Next): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of ctx.req) chunks.push(chunk as Buffer)
  const request = ctx.request as { body?: unknown }
  if (chunks.length > 0) request.body = JSON.parse(Buffer.concat(chunks).toString())
  await next()
}

/** Serves an app on a free port of 127.0.0.1. */
export async function listen(listener: RequestListener): Promise<App> {
  const server: Server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

import { once } from 'node:events'
import http, { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type RequestHandler } from 'express'
import Koa, { type Middleware } from 'koa'
import { createStore } from '../../lib/store.ts'
import type { CacheResponseOptions } from '../../middleware/cache-response.ts'
import * as onExpress from '../../middleware/express.ts'
import * as onKoa from '../../middleware/koa.ts'

/** One run of the handler, on either framework. */
export interface Run {
  /** Which run of this site it is, from 1. */
  readonly number: number
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  /** The response below the framework; on Koa this takes it (`ctx.respond = false`). */
  readonly raw: ServerResponse
  readonly cache: CacheControl
  /** Touches the conversation. */
  remember(): Promise<unknown>
  set(name: string, value: string | string[]): void
  send(status: number, body?: unknown): void
  text(): Promise<string>
}

type CacheControl = Express.Request['cache']

/** What functions in options are given: Express's `req` and Koa's `ctx` both read fields so. */
interface Native {
  get(name: string): string | undefined
}

/** A site to open. */
export interface Plan {
  readonly cache?: Omit<CacheResponseOptions<Native>, 'user'> | undefined
  readonly memory?: boolean
  readonly trustProxy?: boolean
  /** What outer middlewares set, each time. */
  readonly outer?: (() => Record<string, string | string[]>) | undefined
  /** Middlewares of the framework itself, before the cache and after it. */
  readonly express?: { before?: RequestHandler[]; after?: RequestHandler[] }
  readonly koa?: { before?: Middleware[]; after?: Middleware[] }
  readonly handle: (run: Run) => unknown
}

/** What a client got. */
export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** What a client sends. */
export interface Sent {
  readonly method?: string
  readonly headers?: Record<string, string | string[]>
  /** Several pieces go out chunked. */
  readonly body?: string | string[]
  readonly signal?: AbortSignal
  readonly agent?: http.Agent
}

/** A served site. */
export interface Site {
  /** How often the handler ran. */
  runs: number
  /** How many requests have arrived. */
  asked: number
  readonly port: number
  get(path: string, sent?: Sent): Promise<Reply>
}

type Framework = 'express' | 'koa'

/** Both: what a test says of one must hold in the other. */
export const frameworks: readonly Framework[] = ['express', 'koa']

const opened = new Set<http.Server>()

/** Serves the same site on one of the frameworks. */
export async function open(framework: Framework, plan: Plan): Promise<Site> {
  const site = { runs: 0, asked: 0 }
  const listener = framework === 'express' ? expressSite(plan, site) : koaSite(plan, site)
  const server = createServer(listener)
  server.on('request', () => {
    site.asked += 1
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  opened.add(server)
  const { port } = server.address() as AddressInfo
  return Object.assign(site, {
    port,
    get: (path: string, sent?: Sent) => request(port, path, sent),
  })
}

/** Closes every site that is open. */
export async function closeSites(): Promise<void> {
  for (const server of opened) {
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  opened.clear()
}

function expressSite(plan: Plan, site: { runs: number }): http.RequestListener {
  const app = express()
  app.set('etag', false)
  app.set('trust proxy', plan.trustProxy ?? false)
  const store = createStore({ provider: 'embedded' })
  app.use((_req, res, next) => {
    for (const [name, value] of Object.entries(plan.outer?.() ?? {})) res.setHeader(name, value)
    next()
  })
  const user = (req: express.Request): string | undefined => req.get('x-user')
  if (plan.memory) app.use(onExpress.sessionMemory({ store, user }))
  for (const middleware of plan.express?.before ?? []) app.use(middleware)
  if (plan.cache) app.use(onExpress.cacheResponse({ store, user, ...plan.cache }))
  for (const middleware of plan.express?.after ?? []) app.use(middleware)
  app.use(async (req, res) => {
    site.runs += 1
    await plan.handle({
      number: site.runs,
      method: req.method,
      url: req.originalUrl,
      headers: req.headers,
      raw: res,
      cache: req.cache,
      remember: () => req.memory.history({}),
      set: (name, value) => res.set(name, value),
      text: () => readText(req, req.body),
      send(status, body) {
        res.status(status)
        if (isStream(body)) body.on('error', () => res.destroy()).pipe(res)
        else res.send(body)
      },
    })
  })
  app.use((_error: Error, _req: unknown, res: express.Response, _next: unknown) => {
    if (res.headersSent) res.destroy()
    else res.status(500).send('failed')
  })
  return app
}

function koaSite(plan: Plan, site: { runs: number }): http.RequestListener {
  const app = new Koa({ proxy: plan.trustProxy ?? false })
  // Errors that the tests ask for are not news.
  app.silent = true
  const store = createStore({ provider: 'embedded' })
  app.use(async (ctx, next) => {
    ctx.set((plan.outer?.() ?? {}) as Record<string, string[]>)
    await next()
  })
  const user = (ctx: Koa.Context): string | undefined => ctx.get('x-user') || undefined
  if (plan.memory) app.use(onKoa.sessionMemory({ store, user }))
  for (const middleware of plan.koa?.before ?? []) app.use(middleware)
  if (plan.cache) app.use(onKoa.cacheResponse({ store, user, ...plan.cache }))
  for (const middleware of plan.koa?.after ?? []) app.use(middleware)
  app.use(async (ctx) => {
    site.runs += 1
    await plan.handle({
      number: site.runs,
      method: ctx.method,
      url: ctx.originalUrl,
      headers: ctx.req.headers,
      get raw() {
        ctx.respond = false
        return ctx.res
      },
      cache: ctx.cache,
      remember: () => ctx.memory.history({}),
      set: (name, value) => ctx.set(name, value),
      text: () => readText(ctx.req, (ctx.request as { body?: unknown }).body),
      send(status, body) {
        ctx.status = status
        ctx.body = body ?? ''
      },
    })
  })
  return app.callback()
}

function isStream(body: unknown): body is NodeJS.ReadableStream {
  return typeof (body as { pipe?: unknown } | undefined)?.pipe === 'function'
}

async function readText(req: http.IncomingMessage, parsed: unknown): Promise<string> {
  if (parsed !== undefined) return typeof parsed === 'string' ? parsed : JSON.stringify(parsed)
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

function request(port: number, path: string, sent: Sent = {}): Promise<Reply> {
  const { method = 'GET', headers = {}, body, signal, agent } = sent
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port,
      path,
      method,
      headers,
      signal,
      agent: agent ?? false,
    }
    const req = http.request(options as http.RequestOptions, (res) => {
      const chunks: Buffer[] = []
      res.on('data', (chunk: Buffer) => chunks.push(chunk))
      res.on('error', reject)
      res.on('end', () =>
        resolve({
          status: res.statusCode ?? 0,
          headers: res.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      )
    })
    req.on('error', reject)
    for (const piece of Array.isArray(body) ? body : []) req.write(piece)
    req.end(Array.isArray(body) ? undefined : body)
  })
}

/** What this package's member of `Cache-Status` says. */
export function fact({ headers }: Reply): string {
  const members = String(headers['cache-status'] ?? '').split(', ')
  return members.findLast((member) => member.startsWith('memoryware')) ?? ''
}

import { request } from 'node:http'
import express, { type Request } from 'express'
import Koa, { type Context } from 'koa'
import type { Store } from '../../lib/index.ts'
import type { CacheResponseOptions } from '../../middleware/cache-response.ts'
import * as onExpress from '../../middleware/express.ts'
import * as onKoa from '../../middleware/koa.ts'
import type { SessionMemoryOptions } from '../../middleware/memory-options.ts'
import type { RateLimitOptions } from '../../middleware/rate-limit-options.ts'
import { type App, listen } from '../support/apps.ts'

/** What functions in options are given. */
export interface Native {
  get(name: string): string | undefined
}

type OneLimit = Extract<RateLimitOptions<Native>, object>

/** Middlewares in order, by their options. */
export type Mounted =
  | { readonly memory: SessionMemoryOptions<Native> }
  | { readonly limit: OneLimit }
  | { readonly cache: CacheResponseOptions<Native> }

/** What a client sends. */
export interface Sent {
  readonly method?: string
  readonly path?: string
  readonly headers?: Record<string, string>
  readonly body?: string
}

/** A served app, and what went on in it. */
export interface Site extends App {
  /** Runs of the handler, and whatever options' functions add. */
  readonly log: string[]
  /** What each request was answered, and what of ours stood on it when it was over. */
  ask(sent?: Sent): Promise<Reply>
}

/** What is the same, however middlewares are mounted. */
interface Reply {
  readonly status: number
  readonly fields: Record<string, unknown>
  readonly body: string
  readonly attached: Record<string, unknown>
}

/** Mounts each by itself, or all in one. */
export type How = 'apart' | 'composed'

/** The frameworks. */
export const sites: Readonly<Record<'express' | 'koa', typeof onExpressSite>> = {
  express: onExpressSite,
  koa: onKoaSite,
}

interface SiteOptions {
  readonly how: How
  readonly store: Store
  readonly mounted: readonly Mounted[]
  readonly log?: string[]
}

const helpers = ['cache', 'memory', 'rateLimit'] as const

function seen(native: object): Record<string, unknown> {
  const found = native as Partial<Record<(typeof helpers)[number], unknown>>
  const shown = helpers.filter((name) => Object.hasOwn(native, name))
  return Object.fromEntries(
    shown.map((name) => [name, name === 'memory' ? 'there' : plain(found[name])]),
  )
}

function plain(shown: unknown): unknown {
  return JSON.parse(JSON.stringify(shown, (name, value) => (name === 'reset' ? 'soon' : value)))
}

async function onExpressSite({ how, store, mounted, log = [] }: SiteOptions): Promise<Site> {
  const app = express()
  let last: Record<string, unknown> = {}
  app.set('etag', false)
  app.use((req, res, next) => {
    res.on('close', () => {
      last = seen(req)
    })
    next()
  })
  const middlewares = mounted.map((each) => {
    if ('memory' in each)
      return onExpress.sessionMemory({ store, ...each.memory } as SessionMemoryOptions<Request>)
    if ('limit' in each)
      return onExpress.rateLimit({ store, ...each.limit } as RateLimitOptions<Request>)
    return onExpress.cacheResponse({ store, ...each.cache } as CacheResponseOptions<Request>)
  })
  app.use(...(how === 'apart' ? middlewares : [onExpress.compose(...middlewares)]))
  app.use(express.text({ type: '*/*' }))
  app.use(async (req, res) => {
    log.push('handler')
    await handle(req.originalUrl, req.body, () => req.memory)
    res.set('X-Handler', 'yes').send(`run of ${req.originalUrl}`)
  })
  app.use((error: Failure, _req: Request, res: express.Response, _next: express.NextFunction) => {
    res.status(error.status ?? 500).send(`failed: ${error.message}`)
  })
  return site(await listen(app), log, () => last)
}

async function onKoaSite({ how, store, mounted, log = [] }: SiteOptions): Promise<Site> {
  const app = new Koa()
  app.silent = true
  let last: Record<string, unknown> = {}
  app.use(async (ctx, next) => {
    ctx.res.on('close', () => {
      last = seen(ctx)
    })
    try {
      await next()
    } catch (error) {
      const { status = 500, message } = error as Failure
      ctx.status = status
      ctx.body = `failed: ${message}`
    }
  })
  const middlewares = mounted.map((each) => {
    if ('memory' in each)
      return onKoa.sessionMemory({ store, ...each.memory } as SessionMemoryOptions<Context>)
    if ('limit' in each)
      return onKoa.rateLimit({ store, ...each.limit } as RateLimitOptions<Context>)
    return onKoa.cacheResponse({ store, ...each.cache } as CacheResponseOptions<Context>)
  })
  for (const each of how === 'apart' ? middlewares : [onKoa.compose(...middlewares)]) app.use(each)
  app.use(async (ctx) => {
    log.push('handler')
    const chunks: Buffer[] = []
    for await (const chunk of ctx.req) chunks.push(chunk as Buffer)
    await handle(ctx.originalUrl, Buffer.concat(chunks).toString(), () => ctx.memory)
    ctx.set('X-Handler', 'yes')
    ctx.body = `run of ${ctx.originalUrl}`
  })
  return site(await listen(app.callback()), log, () => last)
}

interface Failure extends Error {
  readonly status?: number
}

async function handle(url: string, _body: unknown, memory: () => onMemory): Promise<void> {
  if (url.includes('remember')) await memory().append([{ role: 'user', content: 'hello' }])
  if (url.includes('fail')) throw new Error('the handler')
}

type onMemory = Request['memory']

function site(app: App, log: string[], last: () => Record<string, unknown>): Site {
  return {
    ...app,
    log,
    async ask(sent = {}) {
      const { status, fields, body } = await send(app.url, sent)
      // The response is closed in a moment.
      await new Promise((resolve) => setTimeout(resolve, 5))
      return {
        status,
        fields: timeless(fields),
        body: body.replace(/\d+ms/g, ''),
        attached: last(),
      }
    },
  }
}

function send(
  url: string,
  { method = 'GET', path = '/a', headers = {}, body }: Sent,
): Promise<Omit<Reply, 'attached'>> {
  return new Promise((resolve, reject) => {
    // What is cached has the host in its key.
    const sent = { host: 'example.com', ...headers }
    const req = request(url + path, { method, headers: sent, agent: false }, (res) => {
      const chunks: Buffer[] = []
      res.on('data', (chunk: Buffer) => chunks.push(chunk))
      res.on('end', () =>
        resolve({
          status: res.statusCode ?? 0,
          fields: res.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      )
    })
    req.on('error', reject)
    req.end(body)
  })
}

/** Fields without what the clock and chance put into them. */
function timeless(fields: Record<string, unknown>): Record<string, unknown> {
  const { date: _, ...others } = fields
  const same = (value: unknown) =>
    String(value)
      .replace(/\b(t|ttl)=\d+/g, '$1=soon')
      .replace(/memoryware\.guest=[^;]+/, 'memoryware.guest=secret')
  return Object.fromEntries(
    Object.entries(others).map(([name, value]) => [
      name,
      name === 'retry-after' ? 'soon' : same(value),
    ]),
  )
}

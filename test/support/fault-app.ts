import type { RequestListener } from 'node:http'
import express, { type NextFunction, type Request, type Response } from 'express'
import Koa, { type Context } from 'koa'
import { createStore, type Memory, type StoreOptions } from '../../lib/index.ts'
import * as onExpress from '../../middleware/express.ts'
import * as onKoa from '../../middleware/koa.ts'
import { serveForked } from './fault-server.ts'

/** What an app of the fault table is told, as JSON. */
export interface FaultAppOptions {
  readonly framework: 'express' | 'koa'
  readonly store: StoreOptions
}

/** What the handler sees of a request, on either framework. */
interface Asked {
  readonly memory: Memory
  readonly rateLimit?: { readonly degraded: boolean } | undefined
  readonly cache?: { readonly degraded: boolean } | undefined
}

const { framework, store: options } = JSON.parse(process.argv[2] ?? '{}') as FaultAppOptions
const store = createStore(options)
const memory = { store, maxStored: 20_000 }
const limit = { store, limit: 1_000_000, window: '1m' }
const cache = { store, ttl: '1s', scope: 'user' } as const

await serveForked(framework === 'koa' ? koaApp() : expressApp(), () => store.close())

function expressApp(): RequestListener {
  const user = (req: Request) => req.get('x-user')
  const app = express()
  app.use(onExpress.sessionMemory({ ...memory, user }))
  app.use(onExpress.rateLimit({ ...limit, user }))
  app.use(onExpress.cacheResponse({ ...cache, user }))
  app.use(async (req, res) => {
    res.json(await answer(req, new URL(req.originalUrl, 'http://test').searchParams))
  })
  app.use((error: { status?: number }, _req: Request, res: Response, _next: NextFunction) => {
    res.status(error.status ?? 500).end()
  })
  return app
}

function koaApp(): RequestListener {
  const user = (ctx: Context) => ctx.get('x-user') || undefined
  const app = new Koa()
  // Failures are counted; they are not news.
  app.silent = true
  app.use(onKoa.sessionMemory({ ...memory, user }))
  app.use(onKoa.rateLimit({ ...limit, user }))
  app.use(onKoa.cacheResponse({ ...cache, user }))
  app.use(async (ctx) => {
    ctx.body = await answer(ctx, new URL(ctx.originalUrl, 'http://test').searchParams)
  })
  return app.callback()
}

/** The flags of a request that says something, or what the store has of this user. */
async function answer({ memory, rateLimit, cache }: Asked, query: URLSearchParams) {
  if (query.has('read')) return stored(memory)
  const id = query.get('say') ?? 'hi'
  const { degraded } = await memory.append({ id, role: 'user', content: id })
  return { memory: degraded, limit: rateLimit?.degraded, cache: cache?.degraded }
}

/** @throws Error where the store does not answer: what this process has instead is not stored. */
async function stored(memory: Memory): Promise<readonly unknown[]> {
  const contents: unknown[] = []
  let before: number | undefined
  do {
    const { items, next } = await memory.history(
      before === undefined ? { limit: 1000 } : { before, limit: 1000 },
    )
    contents.unshift(...items.map(({ content }) => content))
    before = next
  } while (before !== undefined)
  if (memory.degraded) throw new Error('This is not what is stored')
  return contents
}

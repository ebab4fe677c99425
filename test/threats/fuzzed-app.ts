import express, { type Request } from 'express'
import Koa, { type Context } from 'koa'
import type { Store } from '../../lib/index.ts'
import * as onExpress from '../../middleware/express.ts'
import * as onKoa from '../../middleware/koa.ts'
import { type App, listen, type Native } from '../support/apps.ts'

/** What only the user ann may be told. */
export const canary = 'a-bird-of-gold-7c1f'

const people = ['ann', 'bob', 'eve']

/** A sign-in that knows three people: whoever else is named is a guest. */
function userOf(native: Native): string | undefined {
  return people.find((name) => name === native.get('x-user'))
}

function tenantOf(native: Native): string | null {
  return native.get('x-tenant') || null
}

function limitsOn(store: Store) {
  return {
    store,
    user: userOf,
    limits: [
      { name: 'person', limit: 1_000_000 },
      { name: 'tenant', limit: 1_000_000, key: tenantOf },
      { name: 'open', limit: 1_000, algorithm: 'concurrency' as const, key: 'ip' as const },
    ],
  }
}

const mine = { ttl: 60, scope: 'user' as const, methods: ['GET', 'POST', 'QUERY'] as const }
const everybodys = { ttl: 60, staleWhileRevalidate: 60, staleIfError: 60 }

/** What a page is about, and whose it is. */
export function pageFor(user: string | undefined): string {
  return user === 'ann' ? `This is for ann: ${canary}` : `This is for ${user ?? 'a guest'}`
}

/** An app with the three middlewares and the routes, whose own handlers never throw. */
export const fuzzedApps: Readonly<Record<'express' | 'koa', (store: Store) => Promise<App>>> = {
  async express(store) {
    const app = express()
    // Failures that the framework answers itself are told nobody else.
    app.set('env', 'test')
    app.use(onExpress.sessionMemory({ store, user: userOf as never, maxStored: 50 }))
    app.use(onExpress.rateLimit(limitsOn(store) as never))
    app.use('/mine', onExpress.cacheResponse({ store, user: userOf as never, ...mine }))
    app.use('/any', onExpress.cacheResponse({ store, user: userOf as never, ...everybodys }))
    app.use('/chats', onExpress.memoryRoutes())
    app.use(express.json({ limit: '100kb' }))
    app.use(async (req: Request, res) => {
      const body = (req.body ?? {}) as { id?: string; text?: string }
      if (req.path === '/say' && req.method === 'POST') {
        const { id, text: content } = body
        const turn = await req.memory.turn({ ...(id && { id }), role: 'user', content } as never)
        return void (await turn.pipe('said', res))
      }
      if (req.path === '/read') return void res.json(await req.memory.context())
      res.set('Cache-Control', 'max-age=60')
      if (!req.path.startsWith('/mine')) res.removeHeader('Cache-Control')
      res.send(pageFor(userOf(req)))
    })
    return listen(app)
  },
  async koa(store) {
    const app = new Koa()
    app.silent = true
    app.use(onKoa.sessionMemory({ store, user: userOf as never, maxStored: 50 }))
    app.use(onKoa.rateLimit(limitsOn(store) as never))
    // Koa's own `path` throws for a target that is no URL.
    const at = (ctx: Context, start: string) => ctx.url.startsWith(start)
    const own = onKoa.cacheResponse({ store, user: userOf as never, ...mine })
    const open = onKoa.cacheResponse({ store, user: userOf as never, ...everybodys })
    app.use((ctx, next) => (at(ctx, '/mine') ? own(ctx, next) : next()))
    app.use((ctx, next) => (at(ctx, '/any') ? open(ctx, next) : next()))
    app.use(onKoa.memoryRoutes({ path: '/chats' }))
    app.use(async (ctx) => {
      if (ctx.url === '/say' && ctx.method === 'POST') {
        const { id, text: content } = await bodyOf(ctx)
        const turn = await ctx.memory.turn({ ...(id && { id }), role: 'user', content } as never)
        return void (await turn.pipe('said', ctx))
      }
      if (ctx.url === '/read') {
        ctx.body = await ctx.memory.context()
        return
      }
      if (at(ctx, '/mine')) ctx.set('Cache-Control', 'max-age=60')
      ctx.body = pageFor(userOf(ctx))
    })
    return listen(app.callback())
  },
}

/** What a body parser does: bounded, and 400 for what is no JSON. */
async function bodyOf(ctx: Context): Promise<{ id?: string; text?: string }> {
  let text = ''
  for await (const bytes of ctx.req) {
    text += bytes
    if (text.length > 100_000) ctx.throw(413)
  }
  try {
    return Object(JSON.parse(text))
  } catch {
    return ctx.throw(400)
  }
}

/** Lets ann say and keep what nobody else may be told, and others something of their own. */
export async function fillIn(app: App): Promise<void> {
  for (const user of ['ann', 'bob', 'eve']) {
    const text = user === 'ann' ? canary : `of ${user}`
    const own = { 'x-user': user, 'content-type': 'application/json' }
    const send = async (method: string, path: string, body: object, session = 'secret') => {
      const headers = { ...own, 'x-session-id': session }
      await (await fetch(app.url + path, { method, headers, body: JSON.stringify(body) })).text()
    }
    for (const session of ['secret', 'default', 'one'])
      await send('POST', '/say', { id: `q-${session}`, text }, session)
    await send('PATCH', '/chats/preferences', { bird: text })
    await send('PATCH', '/chats/secret', { title: text, meta: { text } })
  }
}

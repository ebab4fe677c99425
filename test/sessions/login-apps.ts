import { createHmac } from 'node:crypto'
import type { RequestListener } from 'node:http'
import express from 'express'
import session from 'express-session'
import Koa, { type Context } from 'koa'
import koaSession, { type CreateSessionOptions } from 'koa-session'
import type { Memory } from '../../lib/index.ts'
import * as onExpress from '../../middleware/express.ts'
import { sessionStore as expressStore } from '../../middleware/express-session.ts'
import * as onKoa from '../../middleware/koa.ts'
import { sessionStore as koaStore } from '../../middleware/koa-session.ts'
import type { SessionStoreOptions } from '../../middleware/session-store.ts'
import { type App, listen } from '../support/apps.ts'

declare module 'express-session' {
  interface SessionData {
    userId?: string
    visits?: number
  }
}

/** How sessions are set up. */
export interface Setup extends SessionStoreOptions {
  /** How long a cookie lives, in milliseconds; without it as long as the browser. */
  readonly maxAge?: number
  /** Renews the session with each request. */
  readonly rolling?: boolean
  /** Another store for Express than `sessionStore()` gives. */
  readonly expressStore?: session.Store
}

/** An app with sessions and memory, on one framework. */
export interface LoginFramework {
  readonly name: 'express' | 'koa'
  serve(setup: Setup): Promise<App>
  /** The cookie that names a session: whoever can sign could send it. */
  cookieOf(id: string): string
}

const secret = 'keyboard cat'

/** What the routes do, whatever the framework. */
interface Visit {
  readonly memory: Memory
  readonly query: URLSearchParams
  readonly session: { userId?: unknown; visits?: unknown }
  regenerate(): Promise<void>
  save(): Promise<void>
  destroy(): Promise<void>
}

async function answer(path: string, visit: Visit): Promise<unknown> {
  const { query, session } = visit
  switch (path) {
    case '/login':
      await visit.regenerate()
      visit.session.userId = query.get('user') ?? 'ann'
      if (query.has('save')) await visit.save()
      return { user: visit.session.userId }
    case '/logout':
      await visit.destroy()
      return {}
    case '/say':
      await visit.memory.append({ role: 'user', content: query.get('text') ?? '' })
      return {}
    case '/said': {
      const { memory } = visit
      const { items } = await memory.history()
      return { user: memory.user, said: items.map(({ content }) => content) }
    }
    case '/look':
      return { visits: session.visits ?? 0 }
    default:
      session.visits = Number(session.visits ?? 0) + 1
      return { visits: session.visits }
  }
}

/** Both frameworks, each with the session middleware that is usual there. */
export const loginFrameworks: readonly LoginFramework[] = [
  {
    name: 'express',
    serve: async (setup) => listen(expressApp(setup)),
    cookieOf: (id) => `connect.sid=${encodeURIComponent(`s:${id}.${signature(id)}`)}`,
  },
  {
    name: 'koa',
    serve: async (setup) => listen(koaApp(setup)),
    cookieOf: (id) => `koa.sess=${id}`,
  },
]

function signature(id: string): string {
  return createHmac('sha256', secret).update(id).digest('base64').replace(/=+$/, '')
}

function expressApp(setup: Setup): RequestListener {
  const { maxAge, rolling = false, expressStore: given, ...options } = setup
  const app = express()
  // Errors that the tests ask for are not news.
  app.set('env', 'test')
  app.use(
    session({
      store: given ?? expressStore(options),
      secret,
      resave: false,
      saveUninitialized: false,
      rolling,
      ...(maxAge === undefined ? {} : { cookie: { maxAge } }),
    }),
  )
  app.use(onExpress.sessionMemory(options.store ? { store: options.store } : {}))
  app.use(async (req, res) => {
    const ask = (method: 'regenerate' | 'save' | 'destroy') =>
      new Promise<void>((resolve, reject) => {
        req.session[method]((error: unknown) => (error ? reject(error as Error) : resolve()))
      })
    const answered = await answer(req.path, {
      get memory() {
        return req.memory
      },
      get session() {
        return req.session
      },
      query: new URL(req.originalUrl, 'http://test').searchParams,
      regenerate: () => ask('regenerate'),
      save: () => ask('save'),
      destroy: () => ask('destroy'),
    })
    res.json(answered)
  })
  return app
}

type SessionContext = Context & {
  session: { userId?: unknown; visits?: unknown; regenerate(): Promise<void> } | null
}

function koaApp(setup: Setup): RequestListener {
  const { maxAge = 'session', rolling = false, expressStore: _, ...options } = setup
  const app = new Koa()
  app.silent = true
  const settings: CreateSessionOptions = {
    store: koaStore(options),
    signed: false,
    maxAge,
    rolling,
  }
  app.use(koaSession(settings, app))
  app.use(onKoa.sessionMemory(options.store ? { store: options.store } : {}))
  app.use(async (ctx) => {
    const its = ctx as SessionContext
    ctx.body = await answer(ctx.path, {
      get memory() {
        return ctx.memory
      },
      get session() {
        return its.session ?? {}
      },
      query: ctx.URL.searchParams,
      regenerate: async () => its.session?.regenerate(),
      save: async () => {},
      destroy: async () => {
        its.session = null
      },
    })
  })
  return app.callback()
}

/** What was answered. */
export interface Answer {
  readonly status: number
  readonly ms: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

/** A visitor with a jar of cookies. */
export function browser(app: App): {
  readonly cookies: Map<string, string>
  get(path: string, cookie?: string): Promise<Answer>
} {
  const cookies = new Map<string, string>()
  return {
    cookies,
    async get(path, cookie = [...cookies].map((pair) => pair.join('=')).join('; ')) {
      const at = performance.now()
      const response = await fetch(app.url + path, { headers: cookie === '' ? {} : { cookie } })
      for (const line of response.headers.getSetCookie()) {
        const [name = '', value = ''] = (line.split(';', 1)[0] ?? '').split(/=(.*)/s)
        cookies.set(name, value)
      }
      const text = await response.text()
      const body = text.startsWith('{') ? JSON.parse(text) : { text }
      return {
        status: response.status,
        ms: performance.now() - at,
        headers: response.headers,
        body,
      }
    },
  }
}

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type RequestListener, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import Koa, { type Context, type Middleware } from 'koa'
import { afterEach, describe, it } from 'mocha'
import { createStore } from '../../lib/index.ts'
import { cacheResponse, compose, rateLimit, sessionMemory } from '../../middleware/koa.ts'

interface Sent {
  readonly path?: string
  readonly method?: string
  readonly headers?: Record<string, string>
}

interface Reply {
  readonly status: number | undefined
  readonly words: string | undefined
  readonly fields: Readonly<Record<string, unknown>>
  readonly body: string
}

type Ask = (sent?: Sent) => Promise<Reply>

const ends: (() => void)[] = []

async function served(listener: RequestListener): Promise<Ask> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  ends.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return async ({ path = '/text', method = 'GET', headers = {} } = {}) => {
    const asking = request({ host: '127.0.0.1', port, path, method, headers, agent: false }).end()
    const [res] = await once(asking, 'response')
    const pieces: Buffer[] = []
    for await (const piece of res) pieces.push(piece as Buffer)
    const fields = untimed(res.headers)
    const body = Buffer.concat(pieces).toString('latin1')
    return { status: res.statusCode, words: res.statusMessage, fields, body }
  }
}

/** Without what depends on when, to the second, an answer was given. */
function untimed({ date: _date, ...fields }: IncomingHttpHeaders): Record<string, unknown> {
  const timed = ['age', 'cache-status', 'ratelimit', 'retry-after']
  const shown = ([name, value]: [string, unknown]): [string, unknown] => [
    name,
    timed.includes(name) ? String(value).replace(/(?<=^|t=|ttl=)\d+$/, 'n') : value,
  ]
  return Object.fromEntries(Object.entries(fields).map(shown))
}

/** Answers by path, each kind of answer once. */
const handler: Middleware = (ctx) => {
  ctx.set('Cache-Control', 'max-age=60')
  if (ctx.path === '/text') ctx.body = 'Grüße, 世界'
  if (ctx.path === '/json') ctx.body = { answer: 42 }
  if (ctx.path === '/bytes') ctx.body = Buffer.from([0, 255, 128, 10])
  if (ctx.path === '/empty') ctx.body = ''
  if (ctx.path === '/none') ctx.status = 204
  if (ctx.path === '/gone') ctx.status = 410
  if (ctx.path === '/tagged') ctx.set('ETag', '"one"')
  if (ctx.path === '/tagged') ctx.body = 'tagged'
  if (ctx.path === '/untyped') ctx.body = 'untyped'
  if (ctx.path === '/untyped') ctx.remove('Content-Type')
}

const passes: Middleware = (_ctx, next) => next()

function appOf(...middlewares: readonly Middleware[]): RequestListener {
  const app = new Koa()
  app.silent = true
  for (const each of middlewares) app.use(each)
  return app.callback()
}

function caching(): Middleware {
  return cacheResponse({ store: createStore() })
}

function limiting(limit: number): Middleware {
  return rateLimit({ store: createStore(), limit, window: '1h' })
}

/** What a request is answered the second time, when the first has been kept or counted. */
async function second(ask: Ask, sent: Sent): Promise<Reply> {
  await ask({ ...sent, method: 'GET', headers: {} })
  return ask(sent)
}

const kept: readonly (readonly [what: string, sent: Sent])[] = [
  ['text', { path: '/text' }],
  ['JSON', { path: '/json' }],
  ['bytes', { path: '/bytes' }],
  ['nothing', { path: '/empty' }],
  ['no content', { path: '/none' }],
  ['a status in words', { path: '/gone' }],
  ['what has no type', { path: '/untyped' }],
  ['the head alone', { path: '/text', method: 'HEAD' }],
  ['that it is known', { path: '/tagged', headers: { 'if-none-match': '"one"' } }],
  ['a part', { path: '/text', headers: { range: 'bytes=2-5' } }],
  ['no part, as there is none', { path: '/text', headers: { range: 'bytes=200-' } }],
  ['to a client that closes', { path: '/text', headers: { connection: 'close' } }],
]

const ours: readonly (readonly [which: string, make: () => readonly Middleware[], sent: Sent])[] = [
  ...kept.map(([what, sent]) => [`cacheResponse() with ${what}`, () => [caching()], sent] as const),
  ['a limit', () => [limiting(1)], {}],
  ['a limit to a HEAD', () => [limiting(1)], { method: 'HEAD' }],
  ['a cache behind a limit', () => [limiting(9), caching()], {}],
  ['both as one', () => [compose(limiting(9), caching())], {}],
  ['memory, limit and cache', () => [sessionMemory(), limiting(9), caching()], {}],
  ['a limit behind a cache', () => [caching(), limiting(1)], { headers: { cookie: 'a=b' } }],
]

describe('a middleware on koa that nobody stands outside of', () => {
  afterEach(() => {
    for (const end of ends.splice(0)) end()
  })

  for (const [which, make, sent] of ours) {
    it(`answers as it does behind others: ${which}`, async () => {
      const alone = await second(await served(appOf(...make(), handler)), sent)
      const behind = await second(await served(appOf(passes, ...make(), handler)), sent)
      assert.deepEqual(alone, behind)
    })
  }

  it('shows functions and handlers what the cache does, and errors of theirs', async () => {
    const seen: unknown[] = []
    const see = (ctx: Context) => void seen.push(ctx.cache.status)
    const app = new Koa().on('error', (_error, ctx) => see(ctx))
    app.use(cacheResponse({ store: createStore(), methods: ['GET', 'POST'], ttl: '1m' }))
    app.use((ctx) => {
      see(ctx)
      if (ctx.path === '/fails') throw new Error('failed')
      ctx.body = 'answered'
    })
    const ask = await served(app.callback())
    await second(ask, {})
    await ask({ path: '/fails' })
    await ask({ method: 'PUT' })
    assert.deepEqual(seen, ['miss', 'miss', 'miss', 'bypass'])
    const keyed = new Koa().use(
      cacheResponse({
        store: createStore(),
        ttl: '1m',
        key: {
          extra: (ctx) => {
            see(ctx)
            return 'all'
          },
        },
      }),
    )
    seen.length = 0
    await second(await served(keyed.use(handler).callback()), {})
    assert.deepEqual(seen, ['miss', 'miss'])
  })

  it('leaves nothing for Koa to send', async () => {
    const app = new Koa().use(caching()).use(handler)
    const given: unknown[] = []
    const { set } =
      Object.getOwnPropertyDescriptor(Object.getPrototypeOf(app.response), 'body') ?? {}
    Object.defineProperty(app.response, 'body', {
      get(this: { _body: unknown }) {
        return this._body
      },
      set(body) {
        given.push(body)
        set?.call(this, body)
      },
    })
    const { status, body } = await second(await served(app.callback()), { path: '/json' })
    assert.deepEqual([status, body, given], [200, '{"answer":42}', [{ answer: 42 }]])
  })
})

describe('a middleware on koa that somebody stands outside of', () => {
  afterEach(() => {
    for (const end of ends.splice(0)) end()
  })

  /** Puts into the answer what stands on the context by then. */
  const telling: Middleware = async (ctx, next) => {
    await next()
    ctx.set('X-Seen', `${ctx.status} ${Buffer.isBuffer(ctx.body) || typeof ctx.body}`)
    ctx.body = `seen: ${ctx.body}`
  }

  it('shows what it answers: before it in the application', async () => {
    const { fields, body } = await second(await served(appOf(telling, caching(), handler)), {})
    assert.deepEqual(
      [fields['x-seen'], body],
      ['200 true', Buffer.from('seen: Grüße, 世界').toString('latin1')],
    )
  })

  it('shows what it answers: between two of ours', async () => {
    const app = appOf(limiting(9), telling, caching(), handler)
    assert.equal((await second(await served(app), {})).fields['x-seen'], '200 true')
  })

  it('shows what it answers where it is called a second time, from further in', async () => {
    let calls = 0
    const limit = rateLimit({
      store: createStore(),
      limit: 1,
      window: '1h',
      skip: () => ++calls % 2 === 1,
    })
    // It stands first in the application, and passes; a route calls it again.
    const app = appOf(limit, telling, (ctx, next) => limit(ctx, next), handler)
    const { status, fields } = await second(await served(app), {})
    assert.deepEqual([status, fields['x-seen']], [429, '429 string'])
  })

  it('shows what it answers to who calls it, whatever the application has', async () => {
    const answers = caching()
    const calling: Middleware = async (ctx, next) => {
      await answers(ctx, next)
      await telling(ctx, () => Promise.resolve())
    }
    const { fields } = await second(await served(appOf(calling, handler)), {})
    assert.equal(fields['x-seen'], '200 true')
  })

  it('gives whoever has wrapped the response bytes of its own', async () => {
    let wraps = true
    const callback = appOf(caching(), handler)
    const ask = await served((req, res) => {
      const end = res.end.bind(res) as (...args: unknown[]) => never
      if (wraps)
        res.end = (chunk?: unknown, ...others: unknown[]) => {
          if (Buffer.isBuffer(chunk)) chunk.fill('x')
          return end(chunk, ...others)
        }
      return callback(req, res)
    })
    await ask()
    assert.match((await ask()).body, /^x+$/)
    wraps = false
    assert.equal((await ask()).body, Buffer.from('Grüße, 世界').toString('latin1'))
  })
})

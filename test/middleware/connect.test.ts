import { deepEqual, equal, match } from 'node:assert/strict'
import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  request,
  type ServerResponse,
} from 'node:http'
import { connect, createServer as createPlain } from 'node:http2'
import { createServer as createSecureServer, get as getSecurely } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { generate } from 'selfsigned'
import { createStore, type Store } from '../../lib/index.ts'
import { cacheResponse, rateLimit, sessionMemory } from '../../middleware/express.ts'

type Helped = IncomingMessage & Express.Request
type Next = (error?: unknown) => void
type Step = (req: Helped, res: ServerResponse, next: Next) => unknown

/** The least that hands on Node's own request and response: it neither catches nor awaits. */
function chain(...steps: Step[]): RequestListener {
  return (req, res) => {
    const nextOf = (at: number) => (error?: unknown) => {
      if (error === undefined) return void steps[at]?.(req as Helped, res, nextOf(at + 1))
      res.statusCode = 500
      res.end(String(error))
    }
    nextOf(0)()
  }
}

describe('the Express middlewares on plain Node', () => {
  let store: Store
  let close: (() => void) | undefined
  beforeEach(() => {
    store = createStore({ provider: 'embedded' })
  })
  afterEach(() => close?.())

  async function serve(server: Server & { closeAllConnections(): void }): Promise<number> {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    close = () => {
      server.close()
      server.closeAllConnections()
    }
    return (server.address() as AddressInfo).port
  }

  async function open(...steps: Step[]) {
    const port = await serve(createServer(chain(...steps)))
    return async (path = '/', headers: Record<string, string> = {}) => {
      const sent = request({ host: '127.0.0.1', port, path, headers, agent: false }).end()
      const [answer] = (await once(sent, 'response')) as [IncomingMessage]
      return { status: answer.statusCode, headers: answer.headers, body: await text(answer) }
    }
  }

  const talk: Step = async (req, res) => {
    await req.memory.append({ role: 'user', content: 'Hello' })
    const { items } = await req.memory.history()
    res.end(`${req.memory.id} ${items.length}`)
  }

  /** Answers anew each time, and so shows what was stored. */
  function counting(): Step {
    let runs = 0
    return (_req, res) => res.end(`run ${++runs}`)
  }

  it('remember a guest, by cookie and X-Session-Id', async () => {
    const ask = await open(sessionMemory({ store }), talk)
    const first = await ask('/', { 'x-session-id': 'mine' })
    const cookie = String(first.headers['set-cookie']).split(';')[0] ?? ''
    equal((await ask('/', { 'x-session-id': 'mine', cookie })).body, 'mine 2')
    equal((await ask('/', { 'x-session-id': 'mine' })).body, 'mine 1')
  })

  it('take the session from a route, where there is one', async () => {
    const route: Step = (req, _res, next) =>
      next(void Object.assign(req, { params: { sessionId: 'a' } }))
    const ask = await open(route, sessionMemory({ store }), talk)
    equal((await ask()).body, 'a 1')
  })

  for (const [form, fields] of Object.entries({
    'an object': { 'X-One': '1', 'set-cookie': ['one=1', 'two=2'] },
    'a list': ['X-One', '1', 'Set-Cookie', 'one=1', 'Set-Cookie', 'two=2'],
  })) {
    it(`keep the guest’s cookie beside those that come with the head as ${form}`, async () => {
      const ask = await open(sessionMemory({ store }), async (req, res) => {
        await req.memory.append({ role: 'user', content: 'Hello' })
        res.writeHead(201, 'Made', fields).end()
      })
      const { status, headers } = await ask()
      const names = headers['set-cookie']?.map((cookie) => cookie.split('=')[0])
      deepEqual([status, headers['x-one'], names], [201, '1', ['one', 'two', 'memoryware.guest']])
    })
  }

  it('mark the cookie Secure where the connection is', async () => {
    const { private: key, cert } = await generate()
    const port = await serve(
      createSecureServer({ key, cert }, chain(sessionMemory({ store }), talk)),
    )
    const sent = getSecurely({ host: '127.0.0.1', port, rejectUnauthorized: false, agent: false })
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    match(String(answer.headers['set-cookie']), /; Secure$/)
  })

  it('count by the address of the connection, and go no further above the limit', async () => {
    const ask = await open(rateLimit({ store, limit: 1 }), counting())
    equal((await ask('/', { 'x-forwarded-for': '192.0.2.1' })).body, 'run 1')
    const { status, headers, body } = await ask('/', { 'x-forwarded-for': '192.0.2.2' })
    deepEqual(
      [status, JSON.parse(body).status, headers['ratelimit']],
      [429, 429, '"1-per-1m";r=0;t=60'],
    )
  })

  it('count by the address that the framework vouches for', async () => {
    const trust: Step = (req, _res, next) =>
      next(void Object.assign(req, { ip: req.headers['x-real-ip'] }))
    const ask = await open(trust, rateLimit({ store, limit: 1 }), counting())
    equal((await ask('/', { 'x-real-ip': '192.0.2.1' })).status, 200)
    equal((await ask('/', { 'x-real-ip': '192.0.2.2' })).status, 200)
    equal((await ask('/', { 'x-real-ip': '192.0.2.2' })).status, 429)
  })

  it('answer from the cache, and tell hosts and queries apart', async () => {
    const ask = await open(cacheResponse({ store, ttl: 60 }), counting())
    equal((await ask('/a?q=1')).body, 'run 1')
    const hit = await ask('/a?q=1')
    equal(hit.body, 'run 1')
    match(String(hit.headers['cache-status']), /^memoryware; hit/)
    equal((await ask('/a?q=2')).body, 'run 2')
    equal((await ask('/a?q=1', { host: 'other.example' })).body, 'run 3')
  })

  for (const field of ['host', 'hostname', 'protocol']) {
    it(`tell answers apart by the ${field} that the framework vouches for`, async () => {
      const trust: Step = (req, _res, next) =>
        next(void Object.assign(req, { [field]: req.headers['x-forwarded'] }))
      const ask = await open(trust, cacheResponse({ store, ttl: 60 }), counting())
      equal((await ask('/', { 'x-forwarded': 'a' })).body, 'run 1')
      equal((await ask('/', { 'x-forwarded': 'b' })).body, 'run 2')
      equal((await ask('/', { 'x-forwarded': 'a' })).body, 'run 1')
    })
  }

  it('tell ports apart where the framework gives a name without one', async () => {
    const trust: Step = (req, _res, next) =>
      next(void Object.assign(req, { hostname: 'shop.example' }))
    const ask = await open(trust, cacheResponse({ store, ttl: 60 }), counting())
    equal((await ask('/', { host: 'shop.example' })).body, 'run 1')
    equal((await ask('/', { host: 'shop.example:81' })).body, 'run 2')
  })

  it('tell hosts apart on HTTP/2, which has no Host field', async () => {
    const handle = chain(cacheResponse({ store, ttl: 60 }), counting())
    const server = createPlain(handle as never).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    close = () => {
      session.close()
      server.close()
    }
    const ask = (authority: string) => text(session.request({ ':authority': authority }))
    equal(await ask('one.example'), 'run 1')
    equal(await ask('two.example'), 'run 2')
    equal(await ask('one.example'), 'run 1')
  })

  it('know the whole path where they are mounted below one', async () => {
    const mounted: Step = (req, _res, next) =>
      next(void Object.assign(req, { originalUrl: req.url, url: '/' }))
    const ask = await open(mounted, cacheResponse({ store, ttl: 60 }), counting())
    equal((await ask('/one')).body, 'run 1')
    equal((await ask('/two')).body, 'run 2')
    equal((await ask('/one')).body, 'run 1')
  })

  for (const failure of [new Error('no directory'), undefined]) {
    it(`hand a failure to \`next\`, once: ${failure ?? 'one without an error'}`, async () => {
      const calls: unknown[] = []
      const user = () => Promise.reject(failure)
      const limit = rateLimit({ store, limit: 1, user })
      const ask = await open(async (req, res) => {
        await limit(req, res, (error) => calls.push(error))
        res.end()
      })
      await ask()
      equal(calls.length, 1)
      match(String(calls[0]), failure ? /no directory/ : /did not say why/)
    })
  }

  it('are done when they have answered or called `next`', async () => {
    const limit = rateLimit({ store, limit: 1 })
    const seen: unknown[] = []
    const ask = await open(async (req, res) => {
      let passed = false
      await limit(req, res, () => {
        passed = true
      })
      seen.push([passed, res.writableEnded])
      if (passed) res.end()
    })
    await ask()
    await ask()
    deepEqual(seen, [
      [true, false],
      [false, true],
    ])
  })
})

import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { Readable, type Stream } from 'node:stream'
import { text } from 'node:stream/consumers'
import { mock } from 'node:test'
import express, { type Express, type RequestHandler, Router } from 'express'
import session, { MemoryStore } from 'express-session'
import { eventually } from '../support/eventually.ts'
import { deciding, type StaleAnswers, staleAnswers } from './observed.ts'

describe('A run in the background on Express’s own ways', () => {
  let server: Server | undefined
  let stale: StaleAnswers
  let app: Express
  const failures: string[] = []
  let over: Promise<unknown> | undefined
  const note = (event: unknown): void => {
    const { during, error } = event as { during: string; error: unknown }
    failures.push(`${during}: ${String(error)}`)
  }

  beforeEach(() => {
    failures.length = 0
    over = undefined
    stale = staleAnswers()
    app = express()
    app.set('env', 'test')
    subscribe('memoryware:error', note)
  })

  afterEach(async () => {
    unsubscribe('memoryware:error', note)
    if (!server?.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  })

  async function ask(path = '/', headers = {}) {
    const serving = server?.listening ? server : createServer(app).listen(0, '127.0.0.1')
    server = serving
    if (!serving.listening) await once(serving, 'listening')
    const { port } = serving.address() as AddressInfo
    const req = request({ host: '127.0.0.1', port, path, headers, agent: false }).end()
    const [res] = (await once(req, 'response')) as [IncomingMessage]
    return { status: res.statusCode, headers: res.headers, body: await text(res) }
  }

  /** Notes the response, to tell when it is over. */
  const noting = (_req: unknown, res: Stream, next: () => void): void => {
    over = once(res, 'close')
    next()
  }

  /** Once a run would have begun: a turn after the response is over. */
  async function settled(): Promise<void> {
    await over
    for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate)
  }

  const cache = (): RequestHandler => deciding(stale.decide)

  const helpers: readonly (readonly [string, RequestHandler, number, RegExp])[] = [
    ['json', (_req, res) => void res.status(201).json({ a: 1 }), 201, /^{"a":1}$/],
    ['sendFile', (_req, res) => res.sendFile(import.meta.filename), 200, /^import assert/],
    ['redirect', (_req, res) => res.redirect('/b'), 302, /Redirecting to \/b/],
    ['sendStatus', (_req, res) => void res.sendStatus(404), 404, /Not Found/],
    ['an async handler that throws', async () => Promise.reject(new Error('oh')), 500, /Error: oh/],
    ['next with an error', (_req, _res, next) => next(new Error('oh')), 500, /Error: oh/],
    ['nothing that matches', (_req, _res, next) => next(), 404, /Cannot GET/],
  ]
  for (const [says, handler, status, body] of helpers) {
    it(`works with ${says}`, async () => {
      app.use(cache(), handler)
      assert.equal((await ask()).body, 'stale')
      const told = await stale.ended()
      assert.equal(told.status, status)
      assert.match(String(told.body), body)
      assert.deepEqual(told.ends, [true])
    })
  }

  const seen = (req: express.Request, res: express.Response): void => {
    res.json([req.method, req.url, req.baseUrl, req.originalUrl, req.params])
  }
  const mounts: readonly (readonly [string, () => void, unknown])[] = [
    [
      'on the application',
      () => app.use(cache()).use('/api', Router().get('/:id', seen)),
      ['GET', '/1?q=2', '/api', '/api/1?q=2', { id: '1' }],
    ],
    [
      'on a router',
      () => app.use('/api', Router().use(cache()).get('/:id', seen)),
      ['GET', '/1?q=2', '/api', '/api/1?q=2', { id: '1' }],
    ],
    [
      'in the route',
      () => app.use('/api', Router().get('/:id', cache(), seen)),
      ['GET', '/1?q=2', '/api', '/api/1?q=2', { id: '1' }],
    ],
    [
      'on a path of its own',
      () => app.use('/api', cache()).get('/api/:id', seen),
      ['GET', '/api/1?q=2', '', '/api/1?q=2', { id: '1' }],
    ],
  ]
  for (const [says, mount, expected] of mounts) {
    it(`finds its request as it should be, mounted ${says}`, async () => {
      mount()
      await ask('/api/1?q=2')
      assert.deepEqual(JSON.parse(String((await stale.ended()).body)), expected)
    })
  }

  it('puts the response back as it was', async () => {
    let sent: ServerResponse | undefined
    let before: object | undefined
    app.use((_req, res, next) => {
      sent = Object.assign(res, { mine: 1 })
      res.once('close', () => {
        before = Object.getOwnPropertyDescriptors(res)
      })
      res.end = Object.assign(res.end.bind(res), { mine: 2 })
      next()
    })
    app.use(cache(), (_req, res) => {
      res.locals['a'] = 1
      Object.assign(res, { other: 3 }).status(201).send('x')
    })
    await ask()
    await stale.ended()
    await eventually('it is back', async () => sent?.statusCode === 203 || undefined)
    const after = Object.getOwnPropertyDescriptors(sent)
    // Its own events are over by then.
    for (const each of [before, after]) Object.assign(Object(each), { _events: 0, _eventsCount: 0 })
    assert.deepEqual(after, before)
  })

  it('is not run where the client has left before it had its answer', async () => {
    let ran = false
    app.use(
      noting,
      deciding((exchange) => {
        exchange.req.socket.destroy()
        return stale.decide(exchange)
      }),
      (_req, res) => {
        ran = true
        res.end()
      },
    )
    await assert.rejects(ask())
    await settled()
    assert.deepEqual([stale.witnesses, ran], [[], false])
  })

  it('is not run where the client leaves amid its answer', async () => {
    let ran = false
    app.use(
      noting,
      deciding((exchange) => {
        const { refresh } = Object(stale.decide({ ...exchange, answer: () => undefined }))
        const endless = new Readable({ read: () => undefined })
        endless.push('x')
        exchange.keepHead()
        exchange.answer(203, {}, endless)
        return { refresh }
      }),
      (_req, res) => {
        ran = true
        res.end()
      },
    )
    server = createServer(app).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const req = request({ host: '127.0.0.1', port, agent: false }).end()
    const [res] = (await once(req, 'response')) as [IncomingMessage]
    res.on('error', () => undefined).destroy()
    await settled()
    assert.deepEqual([stale.witnesses, ran], [[], false])
  })

  it('leaves a session alone', async () => {
    const store = new MemoryStore()
    const saves: unknown[] = []
    const { set, touch } = store
    store.set = (...args) => {
      saves.push(args[1])
      set.apply(store, args)
    }
    store.touch = (...args) => {
      saves.push(args[1])
      touch?.apply(store, args)
    }
    app.use(session({ secret: 'secret', store, resave: true, saveUninitialized: true }))
    app.use(cache(), (req, res) => {
      Object.assign(req.session, { visits: 1 })
      res.cookie('a', 'b').send('x')
    })
    const { headers } = await ask()
    assert.equal(headers['set-cookie']?.length, 1)
    const { fields } = await stale.ended()
    assert.match(String(fields['set-cookie']), /^a=b/)
    assert.equal(saves.length, 1)
  })

  it('keeps what belongs to its request', async () => {
    const local = new AsyncLocalStorage<string>()
    app.use((_req, _res, next) => local.run('mine', next))
    app.use(cache(), (_req, res) => void res.send(local.getStore()))
    await ask()
    assert.equal(String((await stale.ended()).body), 'mine')
  })

  it('is not run twice over, where two stand in the chain', async () => {
    const inner = staleAnswers()
    app.use(noting, cache(), deciding(inner.decide), () => assert.fail('it ran'))
    await ask()
    assert.equal(String((await stale.ended()).body), 'stale')
    await settled()
    assert.deepEqual(inner.witnesses, [])
    assert.equal(stale.witnesses.length, 1)
  })

  it('need not be run after all', async () => {
    let ran = false
    app.use(
      deciding((exchange) => ({
        ...Object(stale.decide(exchange)),
        refresh: async () => undefined,
      })),
      () => {
        ran = true
      },
    )
    await ask()
    await ask()
    assert.equal(ran, false)
  })

  it('is published where the next function fails at once, and ends', async () => {
    const step = deciding(stale.decide)
    server = createServer((req, res) => {
      Object.assign(req, { originalUrl: req.url })
      step(req as never, res as never, () => {
        throw new Error('oh')
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    assert.equal((await ask()).body, 'stale')
    assert.deepEqual((await stale.ended()).ends, [false])
    assert.deepEqual(failures, ['cache refresh: Error: oh'])
  })

  it('is not run where nothing says that the chain goes on so late', async () => {
    const step = deciding(stale.decide)
    server = createServer((req, res) => {
      noting(req, res, () => step(req as never, res as never, () => assert.fail('it ran')))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    assert.equal((await ask()).body, 'stale')
    await settled()
    assert.deepEqual(stale.witnesses, [])
    assert.deepEqual(failures, [])
  })

  it('is given up after ten minutes', async () => {
    let closed = false
    mock.timers.enable({ apis: ['setTimeout'] })
    try {
      app.use(cache(), (_req, res) => {
        res.write('half')
        res.once('close', () => {
          closed = true
        })
      })
      await ask()
      while (!stale.witnesses[0]?.body.length) await new Promise(setImmediate)
      mock.timers.tick(599_999)
      for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate)
      assert.deepEqual(stale.witnesses[0].ends, [])
      mock.timers.tick(1)
      for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate)
      assert.deepEqual([stale.witnesses[0].ends, closed], [[false], true])
    } finally {
      mock.timers.reset()
    }
  })

  it('is not run on HTTP/2', async () => {
    const step = deciding(stale.decide)
    const plain = http2
      .createServer((req, res) => {
        Object.assign(req, { originalUrl: req.url })
        noting(req, res, () => step(req as never, res as never, () => assert.fail('it ran')))
      })
      .listen(0, '127.0.0.1')
    await once(plain, 'listening')
    const client = http2.connect(`http://127.0.0.1:${(plain.address() as AddressInfo).port}`)
    try {
      assert.equal(await text(client.request({ ':path': '/' })), 'stale')
      await settled()
      assert.deepEqual([stale.witnesses, failures], [[], []])
    } finally {
      const closed = once(plain, 'close')
      plain.close()
      client.destroy()
      await closed
    }
  })
})

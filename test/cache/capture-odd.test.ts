import assert from 'node:assert/strict'
import { once } from 'node:events'
import http, { createServer, type ServerResponse } from 'node:http'
import http2 from 'node:http2'
import net, { type AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import Koa from 'koa'
import { createStore } from '../../lib/store.ts'
import { captureResponse } from '../../middleware/capture.ts'
import { cacheResponse } from '../../middleware/koa.ts'
import { counting } from './pairs.ts'
import { closeSites, fact, frameworks, type Plan, type Run } from './site.ts'
import { Witness } from './witness.ts'

type WriteHead = (...args: unknown[]) => ServerResponse
type Heads = readonly (readonly [says: string, args: readonly unknown[]])[]

/** Calls `writeHead` with what its types forbid and `node:http` takes. */
const writeHead = (res: ServerResponse, args: readonly unknown[]): ServerResponse =>
  Reflect.apply(res.writeHead as WriteHead, res, args)

/** From the second request on, nothing stands on the response before its handler. */
const bare: Plan['express'] = {
  before: [
    (req, _res, next) => {
      req.app.disable('x-powered-by')
      next()
    },
  ],
}

const forbidding: Heads = [
  ['a boolean', [200, { 'Cache-Control': 'private', 'X-A': true }]],
  ['a list of numbers', [200, { 'Cache-Control': 'private', 'X-A': [1, 2] }]],
  ['a Date', [200, { 'Cache-Control': 'private', 'X-A': new Date(0) }]],
  ['a URL', [200, { 'Cache-Control': 'private', 'X-A': new URL('http://a.test') }]],
  ['null', [200, { 'Cache-Control': 'private', 'X-A': null }]],
  ['lists in a list', [200, { 'Cache-Control': [['private']] }]],
  ['a flat list with a boolean', [200, ['Cache-Control', 'private', 'X-A', false]]],
  ['pairs with a number', [200, Object.entries({ 'Cache-Control': 'private', 'X-A': 1 })]],
  ['a status with a fraction', [200.5, { 'Cache-Control': 'private' }]],
  ['a status in words', ['200', { 'Cache-Control': 'private' }]],
  ['no reason', [200, null, { 'Cache-Control': 'private' }]],
]

for (const framework of frameworks) {
  describe(`cacheResponse on ${framework}: heads of odd forms`, () => {
    afterEach(closeSites)

    for (const [says, args] of forbidding) {
      for (const cacheStatus of [true, false]) {
        it(`obeys a head with ${says}, Cache-Status ${cacheStatus ? 'on' : 'off'}`, async () => {
          const { get } = await counting(framework, {
            cache: { ttl: 60, cacheStatus },
            express: bare,
            handle: ({ raw, number }) => writeHead(raw, args).end(`run ${number}`),
          })
          await get('/')
          const first = await get('/a')
          const second = await get('/a')
          assert.deepEqual([first.status, first.headers['cache-control']], [200, 'private'])
          assert.equal(second.body, 'run 3')
        })
      }
    }

    it('stores what went out of values that are no text', async () => {
      const values = { 'X-A': true, 'X-B': [1, 2], 'X-C': new Date(0), 'X-D': null }
      const { get } = await counting(framework, {
        handle: ({ raw, number }) => writeHead(raw, [200, values]).end(`run ${number}`),
      })
      const first = await get('/a')
      const second = await get('/a')
      assert.match(fact(second), /hit/)
      for (const name of ['x-a', 'x-b', 'x-c', 'x-d'])
        assert.deepEqual([name, second.headers[name]], [name, first.headers[name]])
    })

    it('answers from a timer with a head of odd values, where the answer is refused', async () => {
      const { get } = await counting(framework, {
        express: bare,
        handle({ raw }) {
          const { req } = raw
          // What fails here, nobody catches.
          setTimeout(() => writeHead(raw, [404, { 'X-Cached': false }]).end(req.method), 5)
        },
      })
      await get('/')
      const { status, headers, body } = await get('/a')
      await wait(5)
      assert.deepEqual([status, headers['x-cached'], body], [404, 'false', 'GET'])
    })

    it('does not store a head that went past it', async () => {
      const { get } = await counting(framework, {
        handle({ raw, number }) {
          const { _storeHeader: store } = raw as unknown as Record<string, WriteHead>
          assert.ok(store)
          Reflect.apply(store, raw, ['HTTP/1.1 200 OK\r\n', { 'Cache-Control': 'private' }])
          raw.end(`run ${number}`)
        },
      })
      await get('/a')
      assert.equal((await get('/a')).body, 'run 2')
    })
  })

  describe(`cacheResponse on ${framework}: handlers that end when their client leaves`, () => {
    afterEach(closeSites)

    type Hook = (raw: ServerResponse, stop: () => void) => unknown
    const hooks: readonly (readonly [string, Hook])[] = [
      ['aborted of the request', ({ req }, stop) => req.on('aborted', stop)],
      ['close of the response, first', (res, stop) => res.prependListener('close', stop)],
      ['close of the socket, first', ({ req }, stop) => req.socket.prependListener('close', stop)],
      ['end of the socket', ({ req }, stop) => req.socket.on('end', stop)],
      ['end of the socket, first', ({ req }, stop) => req.socket.prependListener('end', stop)],
    ]
    for (const [says, hook] of hooks) {
      it(`does not store half an answer: ${says}`, async () => {
        const half = ({ raw, number }: Run): void => {
          raw.statusCode = 200
          raw.write('run ')
          const timer = setTimeout(() => raw.end(String(number)), number === 1 ? 2000 : 1)
          hook(raw, () => {
            clearTimeout(timer)
            raw.end()
          })
        }
        const { get, port } = await counting(framework, { handle: half })
        const left = http.get({ host: '127.0.0.1', port, path: '/a', agent: false })
        const [res] = (await once(left, 'response')) as [http.IncomingMessage]
        await once(res, 'data')
        res.on('error', () => undefined)
        res.destroy()
        await wait(30)
        assert.equal((await get('/a')).body, 'run 2')
      })
    }

    for (const connection of ['close', 'keep-alive']) {
      it(`stores what a client takes whole with Connection: ${connection}`, async () => {
        const agent = new http.Agent({ keepAlive: connection === 'keep-alive' })
        const { get } = await counting(framework)
        await get('/a', { agent, headers: { connection } })
        const { body } = await get('/a', { agent, headers: { connection } })
        agent.destroy()
        assert.equal(body, 'run 1')
      })
    }
  })
}

describe('captureResponse: a client that closes its half', () => {
  it('takes the response whole, where the server serves such clients', async () => {
    const witness = new Witness()
    const server = createServer((req, res) => {
      captureResponse(res, witness)
      res.write('half ')
      req.socket.once('end', () => res.end('whole'))
    })
    Object.assign(server, { httpAllowHalfOpen: true })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    socket.end('GET / HTTP/1.0\r\n\r\n')
    let text = ''
    socket.on('data', (chunk) => {
      text += String(chunk)
    })
    await once(socket, 'end')
    server.close()
    assert.match(text, /half whole$/)
    assert.deepEqual(witness.ends, [true])
  })
})

describe('cacheResponse on koa over HTTP/2', () => {
  let server: http2.Http2Server
  let client: http2.ClientHttp2Session

  beforeEach(async () => {
    const app = new Koa()
    const store = createStore({ provider: 'embedded' })
    app.use(cacheResponse({ store, ttl: 60, methods: ['GET', 'POST'] }))
    app.use(async (ctx) => {
      const chunks: Buffer[] = []
      for await (const chunk of ctx.req) chunks.push(chunk as Buffer)
      if (ctx.path === '/raw') {
        ctx.respond = false
        ctx.res.statusCode = 404
        setImmediate(() => ctx.res.end())
      } else ctx.body = `to ${Buffer.concat(chunks)}`
    })
    server = http2.createServer(app.callback()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    client = http2.connect(`http://127.0.0.1:${port}`)
  })

  afterEach(() => {
    client.destroy()
    server.close()
  })

  async function ask(method: string, path: string, body: string | undefined, length = false) {
    const fields = length ? { 'content-length': String(body?.length) } : {}
    const head = { ':method': method, ':path': path, ...fields }
    const stream = client.request(head, { endStream: body === undefined })
    if (body !== undefined) stream.end(body)
    const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders]
    const chunks: Buffer[] = []
    for await (const chunk of stream) chunks.push(chunk as Buffer)
    const said = String(headers['cache-status'] ?? '')
    return { status: headers[':status'], said, body: String(Buffer.concat(chunks)) }
  }

  for (const [method, length] of [
    ['POST', false],
    ['POST', true],
    ['GET', false],
  ] as const) {
    it(`stands aside for the body of a ${method}, length ${length ? 'said' : 'not said'}`, async () => {
      await ask(method, '/a', 'ann', length)
      const { said, body } = await ask(method, '/a', 'bob', length)
      assert.deepEqual([body, said], ['to bob', 'memoryware; fwd=bypass; detail=body'])
    })
  }

  it('answers again what has no body', async () => {
    await ask('GET', '/a', undefined)
    const { said, body } = await ask('GET', '/a', undefined)
    assert.match(said, /hit/)
    assert.equal(body, 'to ')
  })

  it('survives a raw response that ends without a body', async () => {
    const { status } = await ask('GET', '/raw', undefined)
    assert.equal(status, 404)
  })
})

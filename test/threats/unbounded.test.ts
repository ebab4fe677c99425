import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { RedisStore } from 'connect-redis'
import express from 'express'
import session from 'express-session'
import { after, afterEach, before, describe, it } from 'mocha'
import { closeSites, open, type Run } from '../cache/site.ts'
import { listen } from '../support/apps.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { threat } from './threat.ts'

const ann = { 'x-user': 'ann' }

threat('keys without bound, by visitors who bring no cookie', (place) => {
  it('make none by looking, and none by reading', async () => {
    const mounts = { memory: { store: place.store }, routes: 'behind' } as const
    const app = await place.serve(mounts, async (exchange) => {
      if (!exchange.query.has('read')) return exchange.send(200, 'hello')
      const { memory } = exchange
      const { items } = await memory.history()
      await memory.context()
      await memory.info()
      exchange.send(200, `${items.length}`)
    })
    for (const path of ['/', '/?read', '/chats', '/chats/x', '/chats/x/messages', '/chats/export'])
      for (const method of ['GET', 'HEAD']) await (await fetch(app.url + path, { method })).text()
    assert.deepEqual(await place.store.keys('*'), [])
    const { headers } = await fetch(app.url)
    assert.deepEqual(headers.getSetCookie(), [], 'nor is a cookie set by looking')
  })

  it('make only what a limit by address lets through, whatever cookie they make up', async () => {
    const mounts = { memory: { store: place.store }, limit: { store: place.store, limit: 5 } }
    const app = await place.serve(mounts, async ({ memory, send }) => {
      await memory.append({ role: 'user', content: 'hi' })
      send(200, 'said')
    })
    const statuses: number[] = []
    for (let visitor = 0; visitor < 40; visitor += 1) {
      const secret = `${visitor}`.padStart(22, 'A')
      const cookie = visitor % 2 === 0 ? {} : { cookie: `memoryware.guest=${secret}` }
      statuses.push((await fetch(app.url, { method: 'POST', headers: cookie })).status)
    }
    assert.equal(statuses.filter((status) => status === 200).length, 5)
    assert.equal((await place.store.keys('session:{*}')).length, 5)
  })
})

threat('sessions, messages and values of one user without bound', (place) => {
  it('stay at maxSessions and maxStored, with all keys that hang on them', async () => {
    const memory = { store: place.store, maxSessions: 4, maxStored: 20, context: { messages: 5 } }
    const app = await place.serve({ memory }, async ({ memory: own, query, send }) => {
      const times = Number(query.get('times') ?? 1)
      for (let time = 0; time < times; time += 1)
        await own.append({ role: 'user', content: `message ${time}` })
      send(200, `${(await own.info())?.messages}`)
    })
    const say = async (id: string, times: number) =>
      (
        await fetch(`${app.url}/?times=${times}`, { headers: { ...ann, 'x-session-id': id } })
      ).text()
    for (let chat = 0; chat < 30; chat += 1) await say(`chat-${chat}`, 1)
    // An index, and a hash and a list for each session.
    assert.ok((await place.store.keys('session:*')).length <= 1 + 4 * 2)
    assert.ok(Number(await say('chat-29', 100)) <= 40)
  })

  it('are refused with 413 where they are more than a user may have', async () => {
    const mounts = { memory: { store: place.store }, routes: 'behind' } as const
    const app = await place.serve(mounts, async ({ memory, body, send }) => {
      const { content = '', count = 1 } = JSON.parse(body)
      await memory.append(Array.from({ length: count }, () => ({ role: 'user', content })))
      send(200, 'said')
    })
    const send = async (method: string, path: string, body: object) => {
      const headers = { ...ann, 'content-type': 'application/json' }
      const answer = await fetch(app.url + path, { method, headers, body: JSON.stringify(body) })
      return answer.status
    }
    assert.equal(await send('POST', '/', { content: 'x' }), 200)
    assert.equal(await send('POST', '/', { content: 'x'.repeat(100_000) }), 413)
    assert.equal(await send('POST', '/', { content: 'x', count: 20_000 }), 413)
    const many = Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`name-${at}`, at]))
    assert.equal(await send('PATCH', '/chats/preferences', many), 413)
    assert.equal(await send('PATCH', '/chats/preferences', { x: 'x'.repeat(9_000) }), 413)
    assert.equal(await send('PATCH', '/chats/default', { meta: { x: 'x'.repeat(17_000) } }), 413)
    assert.equal(await send('PATCH', '/chats/default', { title: 'x'.repeat(1_001) }), 413)
  })
})

const piece = Buffer.alloc(64 * 1024, 'x')
const pieces = 800

/** Sends a body of 50 MB; gives the status, and how much more memory is held while it comes. */
async function flood(url: string, line: string, told: 'length' | 'chunked') {
  // Node's own client stops sending once it has been answered.
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  let answer = ''
  socket.on('data', (bytes) => {
    answer += bytes
  })
  const size = piece.length * pieces
  const length = told === 'length' ? `Content-Length: ${size}` : 'Transfer-Encoding: chunked'
  const fields = ['Host: x', 'X-User: ann', 'Content-Type: application/json', length]
  socket.write(`${line} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`)
  const before = inUse()
  for (let sent = 0; sent < pieces; sent += 1) {
    if (told === 'chunked') socket.write(`${piece.length.toString(16)}\r\n`)
    if (!socket.write(piece)) await once(socket, 'drain')
    if (told === 'chunked') socket.write('\r\n')
  }
  const grownMb = (inUse() - before) / 1024 / 1024
  if (told === 'chunked') socket.write('0\r\n\r\n')
  await eventually('it is answered', async () => answer.startsWith('HTTP/1.1 ') || undefined)
  socket.destroy()
  return { status: Number(answer.slice(9, 12)), grownMb }
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes that are held on to. */
function inUse(): number {
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

threat(
  'a body of 50 MB',
  (place) => {
    afterEach(closeSites)

    for (const told of ['length', 'chunked'] as const) {
      it(`is refused by memoryRoutes() and not kept, told by ${told}`, async () => {
        const mounts = { memory: { store: place.store }, routes: 'behind' } as const
        const app = await place.serve(mounts, ({ send }) => send(200, 'never'))
        const { status, grownMb } = await flood(app.url, 'PATCH /chats/preferences', told)
        assert.equal(status, 413)
        assert.ok(grownMb < 25, `${grownMb} MB`)
      })

      it(`goes by a cache that is keyed by bodies, told by ${told}`, async () => {
        const cache = { store: place.store, ttl: 60, methods: ['POST'] } as const
        const handle = ({ send }: Run) => send(200, 'not read')
        const site = await open(place.framework.name, { cache, handle })
        const { status, grownMb } = await flood(`http://127.0.0.1:${site.port}`, 'POST /', told)
        assert.equal(status, 200)
        assert.ok(grownMb < 25, `${grownMb} MB`)
        assert.deepEqual(await place.store.keys('cache:*'), [])
      })
    }
  },
  'embedded',
)

describe('what others keep of visitors who bring no cookie', () => {
  let server: TestServer

  before(async () => {
    server = await startRedis()
  })
  after(() => server.stop())

  it('is a key each, in express-session with its defaults', async () => {
    const client = server.client()
    const app = express()
    app.use(
      session({
        store: new RedisStore({ client }),
        secret: 'x',
        resave: false,
        saveUninitialized: true,
      }),
    )
    app.use((_req, res) => void res.send('hello'))
    const { url, close } = await listen(app)
    for (let visitor = 0; visitor < 10; visitor += 1) await (await fetch(url)).text()
    await close()
    assert.equal(await client.dbsize(), 10)
  })
})

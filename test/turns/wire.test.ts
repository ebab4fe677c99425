import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { createStore, json, type Serializer, type Store } from '../../lib/index.ts'
import { frameworks } from '../support/apps.ts'
import { type Answers, type ChatApp, serveChat } from '../support/chat-app.ts'
import { type CountingProxy, startCountingProxy } from '../support/counting-proxy.ts'
import { allEvents } from '../support/event-stream.ts'
import { latch } from '../support/latch.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

const [express] = frameworks

describe('turns on the wire to Redis', function () {
  this.timeout(15_000)
  let server: TestServer
  let admin: ReturnType<TestServer['client']>
  let proxy: CountingProxy
  let store: Store
  let app: ChatApp

  before(async () => {
    server = await startRedis()
    admin = server.client()
  })
  beforeEach(async () => {
    await admin.flushall()
    proxy = await startCountingProxy(server)
    store = createStore({ url: proxy.url })
  })
  afterEach(async () => {
    await app.close()
    await store.close()
    await proxy.close()
  })
  after(() => server.stop())

  async function serve(answers: Answers, options = {}): Promise<void> {
    if (!express) throw new Error('no framework')
    app = await serveChat(express, store, answers, options)
    // Connections, scripts, and the channel of stops.
    await (await app.ask('warm up', { plain: true })).text()
    await allEvents(await app.ask('warm up'))
    proxy.reset()
  }

  const scripts = () => (proxy.counts['EVALSHA'] ?? 0) + (proxy.counts['EVAL'] ?? 0)

  it('cost two round trips where they are plain, context and all', async () => {
    await serve(() => 'answer')
    await (await app.ask('hello', { plain: true })).text()
    assert.equal(proxy.roundTrips, 2)
    assert.equal(scripts(), 2)
    assert.equal(proxy.counts['SUBSCRIBE'], undefined)
  })

  it('keep pieces that come together in one write', async () => {
    await serve(() => Array.from({ length: 500 }, (_, at) => `word ${at} `))
    await allEvents(await app.ask('hello'))
    // The beginning, the pieces, the end.
    assert.equal(scripts(), 3)
  })

  it('let go of their pieces', async () => {
    await serve(() => ['one ', 'two'])
    await allEvents(await app.ask('hello', { id: 'q1' }))
    const key = 'session:{ann}:default:t:q1'
    const leftMs = await admin.pttl(key)
    assert.ok(leftMs > 500_000 && leftMs <= 600_000, String(leftMs))
  })

  it('listen over one connection, whoever follows', async () => {
    const gate = latch()
    await serve(async function* (_turn, content) {
      yield 'one'
      if (content === 'hello') await gate.opened
    })
    const first = await app.ask('hello')
    const one = await app.resume()
    const before = await connections()
    const others = await Promise.all(Array.from({ length: 20 }, () => app.resume()))
    assert.equal(await connections(), before)
    gate.open()
    await Promise.all([first, one, ...others].map(allEvents))
  })

  it('hold no piece that the serializer has not turned into something else', async () => {
    const hidden: Serializer = {
      name: 'hidden',
      encode: (value, context) => Buffer.from(flipped(json.encode(value, context))),
      decode: (bytes, context) => json.decode(flipped(bytes), context),
    }
    const gate = latch()
    await serve(
      async function* (_turn, content) {
        yield 'canary'
        if (content === 'hello') await gate.opened
      },
      { serializer: hidden },
    )
    const response = await app.ask('hello', { id: 'q1' })
    const follower = await app.resume()
    const key = 'session:{ann}:default:t:q1'
    while ((await admin.xlen(key)) === 0) await new Promise(setImmediate)
    const kept = JSON.stringify(await admin.xrange(key, '-', '+'))
    assert.equal(kept.includes('canary'), false)
    gate.open()
    assert.deepEqual(await allEvents(follower), await allEvents(response))
  })

  it('leave all that was said behind when the process closes its store', async () => {
    const gate = latch()
    await serve(async function* (turn, content) {
      if (content !== 'hello') return
      turn.write('said at last')
      await gate.opened
      yield 'never kept'
    })
    const response = await app.ask('hello', { id: 'q1' })
    await store.close()
    const kept = await admin.xrange('session:{ann}:default:t:q1', '-', '+')
    assert.ok(JSON.stringify(kept).includes('said at last'))
    gate.open()
    await response.text()
  })

  async function connections(): Promise<number> {
    const list = String(await admin.client('LIST'))
    return list.split('\n').filter((line) => line !== '').length
  }
})

function flipped(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes, (byte) => byte ^ 0xff)
}

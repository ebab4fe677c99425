import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { Redis as Redis5 } from 'ioredis5'
import { Redis as Valkey } from 'iovalkey'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { createStore, type RedisClient, type Store, type StoreOptions } from '../../lib/index.ts'
import { gather } from '../../lib/providers/redis/gathered.ts'
import type { Client } from '../../lib/providers/redis/open-client.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { countWrites, type SocketWrites } from '../support/socket-writes.ts'
import { valueOrCode } from '../support/value-or-code.ts'

type AnyClient = RedisClient & { disconnect(): void }

const timely = { socketTimeout: 2000 }

let server: TestServer
let secure: TestServer
before(async () => {
  server = await startRedis()
  secure = await startRedis({ tls: 'server' })
})
after(() => Promise.all([server.stop(), secure.stop()]))

/** Clients that a store makes for itself, or is handed in. */
const ways: Readonly<Record<string, () => StoreOptions & { client?: AnyClient }>> = {
  'its own client': () => ({ url: server.url }),
  'its own client over TLS': () => ({ url: secure.url, tls: secure.tls ?? {} }),
  'a client of ioredis 6': () => ({ client: new Redis(server.url, timely) }),
  'a client of ioredis 6 in RESP3': () => ({
    client: new Redis(server.url, { ...timely, protocol: 3 }),
  }),
  'a client of ioredis 6 with pipelines of its own': () => ({
    client: new Redis(server.url, { ...timely, enableAutoPipelining: true }),
  }),
  'a client of ioredis 5': () => ({ client: new Redis5(server.url, timely) }),
  'a client of iovalkey': () => ({ client: new Valkey(server.url, timely) }),
}

const socketOf = ({ stream }: Redis) => stream

describe('commands of one turn of the event loop', () => {
  it('wait for each other, and then leave', async () => {
    const client = server.client()
    await client.ping()
    gather(client)
    const first = client.ping()
    gather(client)
    const second = client.ping()
    assert.equal(socketOf(client).writableCorked, 1)
    assert.ok(socketOf(client).writableLength > 0)
    await turn()
    assert.equal(socketOf(client).writableCorked, 0)
    assert.deepEqual(await Promise.all([first, second]), ['PONG', 'PONG'])
  })

  it('leave in a write for every 32 calls, so that Redis begins with the first', async () => {
    const client = server.client()
    await client.ping()
    const written: number[] = []
    const asked = Array.from({ length: 80 }, () => {
      gather(client)
      const reply = client.ping()
      written.push(socketOf(client).writableLength)
      return reply
    })
    assert.equal(socketOf(client).writableCorked, 1)
    assert.deepEqual(new Set(await Promise.all(asked)), new Set(['PONG']))
    assert.equal(socketOf(client).writableCorked, 0)
    assert.ok((written[32] ?? 0) < (written[31] ?? 0), String(written))
  })

  it('leave sooner where Redis is busy with each for long', async () => {
    const client = server.client()
    await client.ping()
    const written: number[] = []
    const asked = Array.from({ length: 40 }, (_, at) => {
      gather(client, at < 20 ? 2 : 1)
      const reply = client.ping()
      written.push(socketOf(client).writableLength)
      return reply
    })
    assert.deepEqual(new Set(await Promise.all(asked)), new Set(['PONG']))
    const left = written.flatMap((bytes, at) => (bytes < (written[at - 1] ?? 0) ? [at] : []))
    assert.deepEqual(left, [16])
  })

  it('leave before their connection is ended', async () => {
    const client = server.client()
    await client.ping()
    gather(client)
    const last = client.ping()
    client.disconnect()
    assert.equal(await last, 'PONG')
  })

  it('are written one by one where a client keeps its socket elsewhere', () => {
    const streams = [undefined, null, {}, { cork: 1 }, { cork: () => assert.fail('corked') }]
    for (const stream of streams) gather({ stream } as unknown as Client)
  })

  it('leave in spite of a clock that tests have stopped', async () => {
    const real = globalThis.setImmediate
    const store = createStore({ url: server.url })
    await store.get('key')
    try {
      Object.assign(globalThis, { setImmediate: () => undefined })
      assert.equal(await store.get('key'), undefined)
    } finally {
      Object.assign(globalThis, { setImmediate: real })
      await store.close()
    }
  })

  it('leave also where the clock was stopped before this package was imported', async () => {
    const real = globalThis.setImmediate
    const client = server.client()
    await client.ping()
    Object.assign(globalThis, { setImmediate: () => undefined })
    const late: string = '../../lib/providers/redis/gathered.ts?late'
    const { gather: gatherLate }: { gather: typeof gather } = await import(late)
    Object.assign(globalThis, { setImmediate: real })
    gatherLate(client)
    const answer = client.ping()
    await turn()
    assert.equal(socketOf(client).writableCorked, 0)
    assert.equal(await answer, 'PONG')
  })
})

for (const [name, options] of Object.entries(ways)) {
  describe(`a store over ${name}`, function () {
    this.timeout(10_000)
    let store: Store
    let client: AnyClient | undefined
    let writes: SocketWrites
    beforeEach(async () => {
      const way = options()
      client = way.client
      store = createStore({ ...way, deadline: '1s', prefix: `${name.replaceAll(' ', '-')}:` })
      await store.set('key', 'value')
      writes = countWrites(way.tls ? secure.port : server.port)
    })
    afterEach(async () => {
      writes.stop()
      await store.close()
      client?.disconnect()
    })

    it('sends what is asked for in one turn in one write', async () => {
      const asked = Array.from({ length: 20 }, () => store.get('key'))
      assert.deepEqual(new Set(await Promise.all(asked)), new Set(['value']))
      assert.equal(writes.count, 1)
    })

    it('sends what many ask for in one turn in a few writes, in order', async () => {
      const names = Array.from({ length: 100 }, (_, at) => `many ${at}`)
      await Promise.all(names.map((each, at) => store.set(each, at)))
      writes.reset()
      const found = await Promise.all(names.map((each) => store.get(each)))
      assert.deepEqual(found, [...names.keys()])
      assert.ok(writes.count <= 4, `${writes.count} writes`)
    })

    it('sends what is large whole, and in order', async () => {
      const large = 'ä'.repeat(3_000_000)
      const [, found, small] = await Promise.all([
        store.set('large', large),
        store.get('large'),
        store.get('key'),
      ])
      assert.equal(found, large)
      assert.equal(small, 'value')
    })

    it('gives everybody an own reply or an error, however often the connection is lost', async () => {
      const killer = name.endsWith('TLS') ? secure : server
      const admin = killer.client()
      const keys = Array.from({ length: 50 }, (_, at) => `key ${at}`)
      await store.mset(Object.fromEntries(keys.map((key) => [key, `value of ${key}`])))
      const found = (key: string) => valueOrCode(store, key)
      for (let times = 0; times < 5; times += 1) {
        const before = keys.map(found)
        const kill = admin.call('CLIENT', 'KILL', 'SKIPME', 'yes', 'TYPE', 'normal')
        const during = keys.map(found)
        await kill
        for (const [at, found] of (await Promise.all([...before, ...during])).entries())
          assert.ok([`value of ${keys[at % 50]}`, 'ERR_STORE'].includes(found), found)
      }
      for (const key of keys) {
        const value = await eventually(key, () => store.get(key))
        assert.equal(value, `value of ${key}`)
      }
    })
  })
}

describe('a server that stops answering', () => {
  it('leaves nobody waiting, and mixes up no reply when it goes on', async function () {
    this.timeout(10_000)
    const store = createStore({ url: server.url, deadline: '100ms' })
    await store.mset({ one: 1, two: 2 })
    server.freeze()
    const settled = await Promise.allSettled(
      Array.from({ length: 50 }, (_, at) => store.get(at % 2 === 0 ? 'one' : 'two')),
    )
    server.thaw()
    for (const each of settled) assert.equal(each.status, 'rejected')
    const both = await eventually('both values', () =>
      Promise.all([store.get('one'), store.get('two')]),
    )
    assert.deepEqual(both, [1, 2])
    await store.close()
  })
})

import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { after, before, describe, it } from 'mocha'
import {
  cached,
  createStore,
  type ErrorEvent,
  type Serializer,
  type Store,
  StoreError,
} from '../../lib/index.ts'
import { frameworks } from '../support/apps.ts'
import { type CountingProxy, startCountingProxy } from '../support/counting-proxy.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { bothProviders } from '../support/stores.ts'

const size = 100 * 1024 * 1024
const large = 'x'.repeat(size)
const tooLarge = { name: 'StoreError', reason: 'full', outcome: 'not-sent' }

for (const stores of bothProviders()) {
  describe(`a value of 100 MB, ${stores.name}`, function () {
    this.timeout(60_000)
    let store: Store
    before(async () => {
      await stores.start()
      store = await stores.empty()
    })
    after(() => stores.stop())

    it('is refused, and what was there stays', async () => {
      await store.set('large', 'small')
      await assert.rejects(store.set('large', large), tooLarge)
      assert.equal(await store.get('large'), 'small')
    })

    it('is refused in its place among several', async () => {
      await assert.rejects(store.mset({ 'mset-1': 1, large, 'mset-2': 2 }), tooLarge)
      assert.deepEqual(await store.mget(['mset-1', 'large']), [1, 'small'])
      const pipeline = store.pipeline().set('first', 1).set('large', large).incr('second', 2)
      await assert.rejects(pipeline.exec(), tooLarge)
      assert.deepEqual(await store.mget(['first', 'large', 'second']), [1, 'small', 2])
    })

    it('is given back by cached(), which says that it could not be kept', async () => {
      let runs = 0
      const fn = cached(() => ({ run: ++runs, large }), { name: 'large', ttl: '1m', store })
      const failures = failuresOf('cache write')
      for (const run of [1, 2]) {
        const { value, status } = await fn.withStatus()
        assert.deepEqual([value.run, value.large.length, status], [run, size, 'miss'])
        await eventually('it is not kept', async () => failures.heard.length === run || undefined)
      }
      failures.stop()
      assert.deepEqual(failures.heard, ['full', 'full'])
    })

    for (const framework of frameworks) {
      it(`goes out as an answer that is not kept, on ${framework.name}`, async () => {
        let runs = 0
        const cache = { store, ttl: '1m', scope: 'public', maxEntry: 2 * size } as const
        const app = await framework.serve({ cache }, ({ send }) => {
          runs += 1
          send(200, large)
        })
        for (const run of [1, 2]) {
          const answer = await fetch(app.url)
          assert.equal(answer.status, 200)
          assert.equal((await answer.arrayBuffer()).byteLength, size)
          assert.equal(runs, run)
        }
        await app.close()
      })
    }
  })
}

describe('a value of 100 MB, on the wire', function () {
  this.timeout(60_000)
  let server: TestServer
  let proxy: CountingProxy
  let store: Store
  before(async () => {
    server = await startRedis()
    proxy = await startCountingProxy(server)
    store = createStore({ url: proxy.url, deadline: '1s' })
    await store.exists('ready')
  })
  after(async () => {
    await store.close()
    await proxy.close()
    await server.stop()
  })

  it('is refused before anything is sent', async () => {
    proxy.reset()
    await assert.rejects(store.set('large', large), tooLarge)
    await assert.rejects(store.mset({ large }), tooLarge)
    await assert.rejects(store.pipeline().set('large', large).exec(), tooLarge)
    assert.deepEqual(proxy.commands, [])
    await assert.rejects(store.pipeline().incr('n').set('large', large).exec(), tooLarge)
    assert.deepEqual(proxy.commands, ['INCRBY'])
    assert.equal(store.degraded, false)
  })

  it('is too large above `maxValueBytes`, to the byte', async () => {
    const zeros: Serializer = {
      name: 'zeros',
      encode: (length) => Buffer.alloc(Number(length)),
      decode: (bytes) => bytes.byteLength,
    }
    const own = createStore({
      url: server.url,
      serializer: zeros,
      maxValueBytes: 9,
      deadline: '1s',
    })
    await own.set('nine', 9)
    await assert.rejects(own.set('nine', 10), tooLarge)
    assert.equal(await own.get('nine'), 9)
    await own.close()
  })
})

describe('a value of 100 MB that somebody else has put there', function () {
  this.timeout(60_000)
  let server: TestServer
  let store: Store
  before(async () => {
    server = await startRedis()
    const text = Buffer.alloc(size, 'x')
    text.write('"')
    text.write('"', size - 1)
    await server.client().mset('large', text, 'small', '1')
    store = createStore({ url: server.url })
    await store.get('small')
  })
  after(async () => {
    await store.close()
    await server.stop()
  })

  it('is read or fails within a second, and the store is well within two after it', async () => {
    const start = process.memoryUsage.rss()
    let most = start
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage.rss())
    }, 5)
    for (let time = 0; time < 5; time += 1) {
      const at = performance.now()
      const read = await store.get<string>('large').catch((error: unknown) => error)
      assert.ok(performance.now() - at < 1000, `${performance.now() - at} ms`)
      if (typeof read === 'string') assert.equal(read.length, size - 2)
      else assert.ok(read instanceof StoreError && read.reason === 'timeout', String(read))
      await eventually('another call is answered', async () => store.get('small'), {
        withinMs: 2000,
      })
      assert.equal(store.degraded, false)
    }
    clearInterval(watch)
    // One reply, and what it is put together from.
    assert.ok(most - start < 4 * size, `${most - start} bytes more`)
  })
})

/** Why a policy goes on from failures of this kind, from now on. */
function failuresOf(kind: string): { readonly heard: readonly unknown[]; stop(): void } {
  const heard: unknown[] = []
  const listen = (message: unknown) => {
    const { during, error } = message as ErrorEvent
    if (during === kind) heard.push(error instanceof StoreError ? error.reason : error)
  }
  subscribe('memoryware:error', listen)
  return { heard, stop: () => void unsubscribe('memoryware:error', listen) }
}

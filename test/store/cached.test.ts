import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, beforeEach, describe, it } from 'mocha'
import { cached, createStore, type Store } from '../../lib/index.ts'
import { startRedis } from '../support/redis.ts'
import { testStores } from '../support/stores.ts'

for (const stores of testStores()) {
  describe(`cached over ${stores.name}`, () => {
    let store: Store
    let runs = 0
    before(() => stores.start())
    beforeEach(async () => {
      store = await stores.empty()
      runs = 0
    })
    after(() => stores.stop())

    async function double(n: number): Promise<{ n: number }> {
      runs += 1
      await sleep(5)
      return { n: n * 2 }
    }

    it('runs the function once for the same arguments, and says so', async () => {
      const fn = cached(double, { ttl: '1m', store })
      assert.deepEqual(await fn.withStatus(2), { value: { n: 4 }, status: 'miss', age: 0 })
      await sleep(20)
      const { value, status, age } = await fn.withStatus(2)
      assert.deepEqual([value, status], [{ n: 4 }, 'hit'])
      assert.ok(age > 0 && age < 60)
      assert.deepEqual(await fn(3), { n: 6 })
      assert.equal(runs, 2)
    })

    it('runs once for many callers at once', async () => {
      const fn = cached(double, { ttl: '1m', store })
      const results = await Promise.all(Array.from({ length: 100 }, () => fn.withStatus(1)))
      assert.equal(runs, 1)
      assert.equal(results.filter(({ status }) => status === 'collapsed').length, 99)
    })

    it('shares results by name between functions', async () => {
      const one = cached(double, { ttl: '1m', store, name: 'shared' })
      const two = cached(double, { ttl: '1m', store, name: 'shared' })
      await one(1)
      await sleep(20)
      assert.equal((await two.withStatus(1)).status, 'hit')
    })

    it('tells arguments apart that print alike', async () => {
      const fn = cached(async (...args: unknown[]) => args.length + ++runs, {
        ttl: '1m',
        store,
        name: 'alike',
      })
      for (const args of [['1'], [1], [[1]], [1, null], ['1,null'], [{ a: 1 }]]) await fn(...args)
      assert.equal(runs, 6)
      await fn({ b: 1, a: { d: 1, c: 2 } })
      await fn({ a: { c: 2, d: 1 }, b: 1 })
      assert.equal(runs, 7)
    })

    it('keys by what `key` gives', async () => {
      const fn = cached(double, { ttl: '1m', store, key: (n) => n % 10 })
      await fn(1)
      assert.deepEqual(await fn(11), { n: 2 })
    })

    it('keeps no error and no undefined', async () => {
      const fail = cached(
        async () => {
          runs += 1
          throw new Error('no luck')
        },
        { ttl: '1m', store, name: 'fail' },
      )
      await assert.rejects(fail(), /no luck/)
      await assert.rejects(fail(), /no luck/)
      assert.equal(runs, 2)
      const nothing = cached(async () => void runs++, { ttl: '1m', store, name: 'nothing' })
      await nothing()
      await nothing()
      assert.equal(runs, 4)
    })

    it('forgets after its time to live, and when told', async () => {
      const fn = cached(double, { ttl: '100ms', store })
      await fn(1)
      await sleep(200)
      assert.equal((await fn.withStatus(1)).status, 'miss')
      await sleep(20)
      await fn.delete(1)
      assert.equal((await fn.withStatus(1)).status, 'miss')
    })

    it('forgets what is purged by a tag', async () => {
      const fn = cached(double, { ttl: '1m', store, tags: ['numbers'] })
      await fn(1)
      await store.purge({ tags: ['numbers'] })
      assert.deepEqual(await fn.withStatus(1), { value: { n: 2 }, status: 'miss', age: 0 })
      assert.equal(runs, 2)
    })

    it('takes a damaged entry for none', async () => {
      const fn = cached(double, { ttl: '1m', store })
      await fn(1)
      await sleep(20)
      const [key = ''] = await store.keys('cache:*')
      const entry = { head: Buffer.from('{'), body: Buffer.from('{"n":666}') }
      await store.entries.keep(key, { vary: [], variant: '', entry, ttlMs: 60_000, maxVariants: 1 })
      assert.deepEqual(await fn(1), { n: 2 })
    })

    it('refuses arguments that cannot be a key', async () => {
      const fn = cached(async (_: unknown) => 1, { ttl: '1m', store, name: 'any' })
      await assert.rejects(
        fn(() => {}),
        { code: 'ERR_USAGE' },
      )
    })
  })
}

describe('cached', () => {
  it('runs the function where the store is away', async () => {
    const server = await startRedis()
    const store = createStore({ url: server.url })
    const fn = cached(async (n: number) => n + 1, { ttl: '1m', store, name: 'plus' })
    await fn(1)
    await sleep(50)
    server.freeze()
    const { value, status } = await fn.withStatus(1)
    assert.deepEqual([value, status], [2, 'bypass'])
    server.thaw()
    await store.close()
    await server.stop()
  })

  it('refuses what it cannot work with', () => {
    assert.throws(() => cached(async () => 1, { ttl: '1m' }), /`cached.name` must be given/)
    assert.throws(
      () => cached(async () => 1, { ttl: 0, name: 'x' }),
      /`cached.ttl` must be a duration/,
    )
    assert.throws(
      () => cached(async () => 1, { tll: 1 } as never),
      /`cached.tll` must be one of ttl/,
    )
    assert.throws(() => cached('x' as never, { ttl: 1 }), /`cached` must be a function, got "x"/)
  })
})

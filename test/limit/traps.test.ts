import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { after, before, describe, it } from 'mocha'
import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible'
import { createStore, type Store } from '../../lib/index.ts'
import type { Limiter } from '../../lib/limit/limiter.ts'
import type { Rule } from '../../lib/limit/rule.ts'
import { rateLimit } from '../../middleware/express.ts'
import { listen } from '../support/apps.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

describe('what others trip over', () => {
  let server: TestServer
  let redis: Redis
  let store: Store
  let named = 0

  before(async () => {
    server = await startRedis()
    redis = server.client()
    store = createStore({ url: server.url, deadline: '1s' })
    await store.get('anything')
  })
  after(async () => {
    await store.close()
    await server.stop()
  })

  /** One limiter of theirs. */
  function theirs(options: object): RateLimiterRedis {
    named += 1
    const keyPrefix = `theirs-${named}`
    return new RateLimiterRedis({
      storeClient: redis,
      keyPrefix,
      points: 1,
      duration: 60,
      ...options,
    })
  }

  /** One of ours. */
  function ours(rule: Omit<Rule<never>, 'limit'> & { readonly limit?: number }): Limiter<never> {
    named += 1
    const limits = [{ name: `ours-${named}`, limit: 1, key: 'user' as const, ...rule }]
    return rateLimit({ store, limits: limits as Rule<object>[] }) as Limiter<never>
  }

  /** Whether each of these costs passes, one after the other. */
  async function passes(
    ask: (cost: number) => Promise<unknown>,
    costs: readonly number[],
  ): Promise<boolean[]> {
    const passed: boolean[] = []
    for (const cost of costs) {
      // Theirs rejects, with what is no Error; ours tells.
      const said = await ask(cost).then(
        (told) => (told as { allowed?: boolean }).allowed ?? true,
        () => false,
      )
      passed.push(said)
    }
    return passed
  }

  const windows = ['sliding', 'fixed', 'gcra'] as const

  it('half a second is a window, not a lock for ever', async () => {
    const peer = theirs({ duration: 0.5 })
    await peer.consume('ann')
    assert.equal(await redis.pttl(peer.getKey('ann')), -1)
    for (const algorithm of windows) {
      const limit = ours({ window: '500ms', algorithm })
      assert.deepEqual(await passes(() => limit.check('ann'), [1, 1]), [true, false])
    }
    const keys = await redis.keys('limit:*')
    assert.equal(keys.length, 3)
    for (const key of keys) assert.ok((await redis.pttl(key)) > 0, key)
    await sleep(510)
    assert.deepEqual(await passes(() => peer.consume('ann'), [1]), [false])
    assert.deepEqual(await redis.keys('limit:*'), [])
  })

  it('a cost that is refused is not charged', async () => {
    const peer = theirs({ points: 100, duration: 60 })
    assert.deepEqual(await passes((cost) => peer.consume('ann', cost), [60, 60, 40]), [
      true,
      false,
      false,
    ])
    for (const algorithm of windows) {
      const limit = ours({ limit: 100, algorithm, cost: 1, unit: 'tokens' })
      assert.deepEqual(await passes((cost) => limit.check('ann', { cost }), [60, 60, 40]), [
        true,
        false,
        true,
      ])
    }
  })

  it('what is given back too late is credit for nobody', async () => {
    const peer = theirs({ points: 100, duration: 1 })
    await peer.consume('ann', 60)
    const limits = windows.map((algorithm) => ours({ limit: 100, window: '1s', algorithm }))
    const held = await Promise.all(limits.map((limit) => limit.check('ann', { cost: 60 })))
    // Time for the bucket of a sliding window that is counted whole.
    await sleep(1200)
    await peer.reward('ann', 60)
    assert.equal(await most((cost) => peer.consume('ann', cost)), 160)
    for (const [at, limit] of limits.entries()) {
      const name = Object.keys(held[at]?.limits ?? {})[0] ?? ''
      await held[at]?.settle({ [name]: 0 })
      const began = performance.now()
      const found = await most((cost) => limit.check('ann', { cost }))
      // Of a level, a hundred come back in a second.
      const drained = windows[at] === 'gcra' ? (performance.now() - began) / 10 : 0
      assert.ok(found >= 100 && found <= 100 + drained, `${windows[at]} ${found}`)
    }
  })

  /** How much passes at once. */
  async function most(ask: (cost: number) => Promise<unknown>): Promise<number> {
    const asking = Array.from({ length: 200 }, () => passes(ask, [1]))
    return (await Promise.all(asking)).flat().filter(Boolean).length
  }

  it('what is given back opens at once, whatever this process remembers', async () => {
    const peer = theirs({ points: 2, duration: 60, inMemoryBlockOnConsumed: 2 })
    await passes((cost) => peer.consume('ann', cost), [2, 1])
    await peer.reward('ann', 3)
    assert.deepEqual(await passes(() => peer.consume('ann'), [1]), [false])
    for (const algorithm of windows) {
      const limit = ours({ limit: 2, algorithm })
      const first = await limit.check('ann', { cost: 2 })
      assert.deepEqual(await passes(() => limit.check('ann'), [1, 1]), [false, false])
      await first.settle({ [Object.keys(first.limits)[0] ?? '']: 0 })
      assert.deepEqual(await passes(() => limit.check('ann'), [1]), [true])
    }
  })

  it('a refusal is told, not thrown, and what is thrown is an Error', async () => {
    const peer = theirs({ duration: 60 })
    await peer.consume('ann')
    await assert.rejects(
      async () => peer.consume('ann'),
      (reason: unknown) => !(reason instanceof Error),
    )
    const limit = ours({})
    await limit.check('ann')
    assert.equal((await limit.check('ann')).allowed, false)
    await assert.rejects(limit.check(''), Error)
  })

  it('a limiter of this process holds so many keys, and no more', async () => {
    const peer = new RateLimiterMemory({ points: 1, duration: 3600 })
    const embedded = createStore({ provider: 'embedded', maxEntries: 800 })
    const { check } = rateLimit({ store: embedded, limit: 1, window: '1h', key: 'user' })
    for (let n = 0; n < 5000; n += 1) {
      await peer.consume(`caller-${n}`)
      await check(`caller-${n}`)
      await check('active')
    }
    assert.notEqual(await peer.get('caller-0'), null)
    assert.ok((await embedded.keys('limit:*')).length <= 300)
    assert.equal((await check('active')).allowed, false)
    await embedded.close()
  })

  it('whoever is refused is never told to come back in 0 seconds', async () => {
    const limits = ['100ms', '500ms', '900ms'].map((window, at) => ({
      ...{ name: `soon-${at}`, limit: 1, window, key: 'global' as const },
    }))
    for (const rule of limits) {
      const limit = rateLimit({ store, limits: [rule] })
      const app = await listen((req, res) => void limit(req, res, () => res.end('ok')))
      const waits: (string | null)[] = []
      for (let n = 0; n < 8; n += 1) {
        const { status, headers } = await fetch(app.url)
        if (status === 429) waits.push(headers.get('retry-after'))
      }
      assert.deepEqual([...new Set(waits)], ['1'])
      await app.close()
    }
  })

  it('a huge rate has a time to live all the same', async () => {
    for (const algorithm of windows) {
      const limit = ours({ limit: 1_000_000_000, window: '1s', algorithm })
      const { allowed, limits } = await limit.check('ann')
      const name = Object.keys(limits)[0] ?? ''
      assert.equal(allowed, true)
      for (const key of await redis.keys(`limit:*${name}*`))
        assert.notEqual(await redis.pttl(key), -1)
    }
  })

  it('addresses of IPv4 written as IPv6 are as many clients as they are', async () => {
    named += 1
    const { check } = rateLimit({ store, limits: [{ name: `ip-${named}`, limit: 1, key: 'ip' }] })
    const addresses = ['::ffff:203.0.113.7', '::ffff:203.0.113.8', '::ffff:cb00:7109']
    for (const ip of addresses) assert.equal((await check({ ip })).allowed, true)
    for (const ip of ['203.0.113.7', '203.0.113.8', '203.0.113.9'])
      assert.equal((await check({ ip })).allowed, false)
  })
})

import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'mocha'
import { RateLimiterMemory, RateLimiterUnion } from 'rate-limiter-flexible'
import type { RateLimiterLike } from '../../lib/index.ts'
import { rateLimit } from '../../middleware/express.ts'
import { type App, frameworks, type Mounts, type Native } from '../support/apps.ts'

const inMemory = (points = 2) => new RateLimiterMemory({ points, duration: 60 })
const costing = (native: Native) => Number(native.get('x-cost') ?? 1)

for (const framework of frameworks) {
  describe(`rateLimit() over a limiter of rate-limiter-flexible on ${framework.name}`, () => {
    let app: App | undefined
    afterEach(async () => {
      await app?.close()
      app = undefined
    })

    async function serve(limit: NonNullable<Mounts['limit']>, status = 200) {
      app = await framework.serve({ limit }, ({ send }) => send(status, 'done'))
      const { url } = app
      return (headers: Record<string, string> = {}) => fetch(url, { headers })
    }

    it('takes limit and window from it', async () => {
      const call = await serve({ store: inMemory() })
      const first = await call()
      const second = await call()
      const third = await call()
      assert.deepEqual([first.status, second.status, third.status], [200, 200, 429])
      assert.equal(first.headers.get('ratelimit-policy'), '"2-per-1m";q=2;w=60')
      assert.match(String(first.headers.get('ratelimit')), /^"2-per-1m";r=1;t=(59|60)$/)
      assert.match(String(third.headers.get('retry-after')), /^(59|60)$/)
    })

    it('counts users apart, by what a request costs', async () => {
      const call = await serve({
        store: inMemory(100),
        limits: [{ name: 'units', limit: 100, cost: costing }],
      })
      const statuses = []
      for (const [user, cost] of [
        ['ann', '60'],
        ['ann', '60'],
        ['bob', '100'],
        ['ann', '40'],
        ['ann', '1'],
      ] as const)
        statuses.push((await call({ 'x-user': user, 'x-cost': cost })).status)
      assert.deepEqual(statuses, [200, 429, 200, 200, 429])
    })

    it('gives back what was reserved for a request that failed', async () => {
      const store = inMemory(100)
      const limits = [{ name: 'units', limit: 100, cost: costing }]
      const call = await serve({ store, limits }, 500)
      for (let at = 0; at < 3; at += 1)
        assert.equal((await call({ 'x-user': 'ann', 'x-cost': '60' })).status, 500)
      assert.equal((await store.get('limit:{user~ann}:units'))?.consumedPoints, 0)
    })

    for (const [policy, status] of [
      ['local', 200],
      ['open', 200],
      ['error', 503],
    ] as const) {
      it(`one that hangs is a store that is away: ${policy} answers ${status}`, async () => {
        const store: RateLimiterLike = { consume: () => new Promise(() => {}) }
        const call = await serve({ store, limit: 2, window: '1m', onStoreError: policy })
        assert.equal((await call()).status, status)
      })
    }
  })
}

describe('rateLimit() over a limiter of rate-limiter-flexible', () => {
  it('checks, peeks, blocks and resets outside requests', async () => {
    const limit = rateLimit({ store: inMemory(10) })
    const reservation = await limit.check('ann', { cost: 8 })
    assert.equal(reservation.allowed, true)
    await reservation.settle({ '10-per-1m': 3 })
    assert.equal((await limit.peek('ann')).limits['10-per-1m']?.remaining, 7)
    await limit.block('ann', '10s')
    assert.equal((await limit.check('ann')).allowed, false)
    await limit.reset('ann')
    assert.equal((await limit.check('ann', { cost: 10 })).allowed, true)
  })

  for (const [fault, options, message] of [
    ['several rules', { limits: [{ limit: 2 }, { limit: 3 }] }, /`rateLimit.limits` must be one/],
    ['another limit', { limit: 3 }, /`rateLimit.limit` must be 2, as of the limiter, .* got 3/],
    [
      'another limit of a rule',
      { limits: [{ limit: 3 }] },
      /`rateLimit.limits\[0\].limit` .* got 3/,
    ],
    [
      'a union that tells no limit',
      { store: new RateLimiterUnion(inMemory()) },
      /rateLimit.limit`/,
    ],
  ] as const) {
    it(`refuses ${fault} when mounting`, () => {
      assert.throws(() => rateLimit({ store: inMemory(), ...options }), {
        code: 'ERR_OPTION',
        message,
      })
    })
  }
})

import assert from 'node:assert/strict'
import type { Request } from 'express'
import { after, before, beforeEach, describe, it } from 'mocha'
import {
  BurstyRateLimiter,
  RateLimiterMemory,
  RateLimiterQueue,
  RateLimiterRedis,
  RateLimiterRes,
  RateLimiterUnion,
  RLWrapperBlackAndWhite,
  RLWrapperTimeouts,
} from 'rate-limiter-flexible'
import { asRateLimiter } from '../../adapters/rate-limiter-flexible.ts'
import { createStore, type Store } from '../../lib/index.ts'
import { type RateLimitOptions, rateLimit } from '../../middleware/express.ts'
import { bothProviders } from '../support/stores.ts'

type Options = RateLimitOptions<Request>

/** What a call was rejected with, as a result. */
async function refusal(call: Promise<unknown>): Promise<RateLimiterRes> {
  const reason = await call.then(
    () => assert.fail('It passed'),
    (error: unknown) => error,
  )
  assert.ok(reason instanceof RateLimiterRes, String(reason))
  return reason
}

for (const stores of bothProviders()) {
  describe(`a limit for rate-limiter-flexible over ${stores.name}`, () => {
    let store: Store
    let names = 0
    before(() => stores.start())
    beforeEach(async () => {
      store = await stores.empty()
    })
    after(() => stores.stop())

    function limited(limit: number, more: Partial<Options> = {}) {
      names += 1
      const rule = { name: `rule-${names}`, limit, window: '1m' }
      return asRateLimiter(rateLimit({ store, limits: [rule], ...more }))
    }

    it('consumes, and refuses with a result, charging nothing', async () => {
      const limiter = limited(10)
      const first = await limiter.consume('ann', 7)
      assert.ok(first instanceof RateLimiterRes)
      assert.deepEqual([first.consumedPoints, first.remainingPoints], [7, 3])
      assert.ok(first.msBeforeNext > 58_000 && first.msBeforeNext <= 60_000)
      const refused = await refusal(limiter.consume('ann', 7))
      assert.deepEqual([refused.consumedPoints, refused.remainingPoints], [7, 3])
      assert.ok(refused.msBeforeNext > 0 && refused.msBeforeNext <= 60_000)
      assert.equal((await limiter.consume('ann', 3)).remainingPoints, 0)
      assert.equal((await limiter.consume('bob')).remainingPoints, 9)
    })

    it('tells points, duration, and a key prefix of its own', () => {
      const limit = rateLimit({ store, limit: 10, window: '2m' })
      const { points, duration, keyPrefix, blockDuration, execEvenly } = asRateLimiter(limit)
      assert.deepEqual(
        { points, duration, keyPrefix, blockDuration, execEvenly },
        { points: 10, duration: 120, keyPrefix: '10-per-2m', blockDuration: 0, execEvenly: false },
      )
      assert.equal(asRateLimiter(limit, { keyPrefix: 'mine' }).keyPrefix, 'mine')
    })

    it('tells what stands; nothing of a key that is unused', async () => {
      const limiter = limited(10)
      assert.equal(await limiter.get('ann'), null)
      await limiter.consume('ann', 4)
      const found = await limiter.get('ann')
      assert.deepEqual([found?.consumedPoints, found?.remainingPoints], [4, 6])
    })

    it('rewards with what was consumed, and never with more', async () => {
      const limiter = limited(10)
      await limiter.consume('ann', 4)
      await limiter.consume('ann', 4)
      assert.equal((await limiter.reward('ann', 5)).consumedPoints, 3)
      assert.equal((await limiter.reward('ann', 50)).consumedPoints, 0)
      assert.equal((await limiter.consume('ann', 10)).remainingPoints, 0)
      await refusal(limiter.consume('ann'))
    })

    it('a penalty is debt where more was consumed than there is', async () => {
      const limiter = limited(10)
      await limiter.consume('ann', 8)
      const { consumedPoints, remainingPoints } = await limiter.penalty('ann', 5)
      assert.deepEqual([consumedPoints, remainingPoints], [13, 0])
      await refusal(limiter.consume('ann'))
    })

    it('a penalty of a key that consumed nothing here takes what there is', async () => {
      const limiter = limited(10)
      assert.equal((await limiter.penalty('ann', 4)).consumedPoints, 4)
      const other = limited(10)
      assert.equal((await other.penalty('bob', 50)).remainingPoints, 0)
    })

    it('blocks, also where nothing was consumed, and forgets', async () => {
      const limiter = limited(10)
      assert.equal((await limiter.block('ann', 30)).msBeforeNext, 30_000)
      const refused = await refusal(limiter.consume('ann'))
      assert.ok(refused.msBeforeNext > 28_000 && refused.msBeforeNext <= 30_000)
      assert.ok((await limiter.get('ann')) instanceof RateLimiterRes)
      assert.equal(await limiter.delete('ann'), true)
      assert.equal(await limiter.delete('ann'), false)
      assert.equal((await limiter.consume('ann')).remainingPoints, 9)
      assert.equal((await limiter.block('bob', 0)).msBeforeNext, -1)
      await refusal(limiter.consume('bob'))
    })

    it('wrong points are an error', async () => {
      const limiter = limited(10)
      for (const points of [-1, 1.5, Number.NaN]) {
        await assert.rejects(limiter.consume('ann', points), { code: 'ERR_USAGE' })
        await assert.rejects(limiter.penalty('ann', points), { code: 'ERR_USAGE' })
        await assert.rejects(limiter.reward('ann', points), { code: 'ERR_USAGE' })
      }
      await assert.rejects(limiter.set('ann', 1, 1), { code: 'ERR_USAGE' })
    })

    it('stands in a union beside one of the library', async () => {
      const union = new RateLimiterUnion(
        limited(3),
        new RateLimiterMemory({ points: 5, duration: 60, keyPrefix: 'theirs' }),
      )
      const passed = await union.consume('ann', 3)
      assert.deepEqual(
        Object.values(passed).map(({ remainingPoints }) => remainingPoints),
        [0, 2],
      )
      const reason: unknown = await union.consume('ann').catch((error: unknown) => error)
      assert.deepEqual(Object.keys(reason as object), [`rule-${names}`])
    })

    it('is the rate, and the burst, of a BurstyRateLimiter', async () => {
      const bursty = new BurstyRateLimiter(limited(2), limited(3))
      for (let at = 0; at < 5; at += 1) await bursty.consume('ann')
      await refusal(bursty.consume('ann'))
    })

    it('is wrapped by lists', async () => {
      const listed = new RLWrapperBlackAndWhite({
        limiter: limited(1),
        whiteList: ['ann'],
        blackList: ['bob'],
      })
      await listed.consume('ann', 5)
      await refusal(listed.consume('bob'))
      await listed.consume('eve')
      await refusal(listed.consume('eve'))
      await listed.reward('eve')
      await listed.consume('eve')
    })

    it('is wrapped with a timeout', async () => {
      const limiter = limited(1)
      const timed = new RLWrapperTimeouts({ limiter, timeoutMs: 5000 })
      assert.equal((await timed.consume('ann')).remainingPoints, 0)
      await refusal(timed.consume('ann'))
      assert.equal(await timed.delete('ann'), true)
    })

    it('a queue waits for it', async () => {
      const queue = new RateLimiterQueue(
        limited(2, { limits: undefined, limit: 2, window: '1s' } as never),
      )
      const left = await Promise.all([1, 2, 3].map(() => queue.removeTokens(1)))
      assert.equal(left.length, 3)
      await assert.rejects(queue.removeTokens(3), /exceeds maximum 2 tokens/)
      assert.equal(typeof (await queue.getTokensRemaining()), 'number')
    })

    it('stands in for a limiter whose store fails', async () => {
      const failing = { rlflxIncr: () => Promise.reject(new Error('away')), multi: () => undefined }
      const limiter = new RateLimiterRedis({
        storeClient: failing,
        points: 100,
        duration: 60,
        insuranceLimiter: limited(1),
      })
      await limiter.consume('ann')
      await refusal(limiter.consume('ann'))
      assert.throws(
        () =>
          new RateLimiterRedis({
            storeClient: failing,
            points: 100,
            duration: 60,
            blockDuration: 60,
            insuranceLimiter: limited(1),
          }),
        { code: 'ERR_OPTION' },
      )
    })
  })
}

describe('a limit for rate-limiter-flexible', () => {
  const limited = (options: object) =>
    rateLimit({ store: createStore({ provider: 'embedded' }), ...options } as never)
  const limits = [
    { name: 'minute', limit: 10, window: '1m' },
    { name: 'day', limit: 3, window: '1d' },
  ]

  it('is one rule of several, by its name; the others count along', async () => {
    const limiter = asRateLimiter(limited({ limits }), { rule: 'minute' })
    for (const remaining of [8, 6, 4])
      assert.equal((await limiter.consume('ann', 2)).remainingPoints, remaining)
    const refused = await refusal(limiter.consume('ann', 2))
    assert.equal(refused.remainingPoints, 4)
    assert.ok(refused.msBeforeNext > 60_000)
    assert.equal((await limiter.reward('ann', 2)).remainingPoints, 6)
  })

  it('whoever has no limit passes', async () => {
    const unlimited = () => Number.POSITIVE_INFINITY
    const limiter = asRateLimiter(limited({ limits: [{ name: 'plan', limit: unlimited }] }))
    assert.equal(limiter.points, Number.POSITIVE_INFINITY)
    assert.equal((await limiter.consume('ann', 50)).remainingPoints, Number.MAX_SAFE_INTEGER)
  })

  it('waits no longer than a timer can for what never passes', async () => {
    const limiter = asRateLimiter(limited({ limits: [{ name: 'none', limit: 0 }] }))
    assert.equal((await refusal(limiter.consume('ann'))).msBeforeNext, 2 ** 31 - 1)
  })

  it('a store that is away is an error', async () => {
    const store = { consume: () => Promise.reject(new Error('away')) }
    const limit = rateLimit({ store, limit: 1, window: 60, onStoreError: 'error' })
    await assert.rejects(asRateLimiter(limit).consume('ann'), { code: 'ERR_STORE' })
  })

  for (const [fault, options, rule, message] of [
    [
      'several rules and no name',
      { limits },
      {},
      /rule` must be one of minute, day, got undefined/,
    ],
    ['a rule that there is not', { limits }, { rule: 'hour' }, /must be one of .* got "hour"/],
    ['a misspelt option', { limits }, { rul: 'day' }, /asRateLimiter.rul` must be one of/],
    ['a prefix that is none', { limit: 1 }, { keyPrefix: 1 }, /keyPrefix` must be text, got 1/],
    ['slots', { limits: [{ name: 's', limit: 1, algorithm: 'concurrency' }] }, {}, /without slots/],
  ] as const) {
    it(`refuses ${fault}`, () => {
      const limit = limited(options)
      assert.throws(() => asRateLimiter(limit, rule as never), { code: 'ERR_OPTION', message })
    })
  }
})

import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { after, before, describe, it } from 'mocha'
import {
  BurstyRateLimiter,
  RateLimiterMemory,
  RateLimiterQueue,
  RateLimiterRedis,
  RateLimiterUnion,
  RLWrapperBlackAndWhite,
  RLWrapperTimeouts,
} from 'rate-limiter-flexible'
import { blockKey, limitKey } from '../../lib/keys.ts'
import { foreignBudgets } from '../../lib/limit/foreign.ts'
import {
  foreignRule,
  isRateLimiterLike,
  type RateLimiterLike,
} from '../../lib/limit/rate-limiter-like.ts'
import type { Charge } from '../../lib/ports/budgets.ts'
import { limitStoreOf } from '../../lib/store.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

const options = { points: 100, duration: 60 }
const inMemory = (more = {}) => new RateLimiterMemory({ ...options, ...more })

function of(cost: number, more: Partial<Charge> = {}): Charge {
  return { key: 'ann', algorithm: 'fixed', limit: 100, windowMs: 60_000, cost, ...more }
}

async function one(limiter: RateLimiterLike, charge: Charge) {
  const [budget] = await foreignBudgets(limiter).charge([charge])
  assert.ok(budget)
  return budget
}

async function seen(limiter: RateLimiterLike, charge = of(0)) {
  const [budget] = await foreignBudgets(limiter).peek([charge])
  assert.ok(budget)
  return budget
}

async function settle(limiter: RateLimiterLike, mark: number, charged: number, cost: number) {
  const [budget] = await foreignBudgets(limiter).settle([{ ...of(0), mark, charged, cost }])
  assert.ok(budget)
  return budget
}

describe('a limiter of rate-limiter-flexible as store', () => {
  let server: TestServer
  let client: Redis
  let names = 0
  before(async () => {
    server = await startRedis()
    client = server.client()
  })
  after(() => server.stop())

  const onRedis = (more = {}) => {
    names += 1
    return new RateLimiterRedis({
      storeClient: client,
      keyPrefix: `test-${names}`,
      ...options,
      ...more,
    })
  }

  for (const [where, limiter] of [
    ['memory', inMemory],
    ['Redis', onRedis],
  ] as const) {
    describe(`in ${where}`, () => {
      it('lets 60 and 40 of 100 pass, and gives back the 60 that it refused between', async () => {
        const counting = limiter()
        const used = []
        for (const cost of [60, 60, 40]) {
          const budget = await one(counting, of(cost))
          used.push([budget.allowed, budget.used, budget.remaining])
        }
        assert.deepEqual(used, [
          [true, 60, 40],
          [false, 60, 40],
          [true, 100, 0],
        ])
      })

      it('tells when the window ends, and when a refused charge could pass', async () => {
        const counting = limiter()
        const first = await one(counting, of(100))
        const refused = await one(counting, of(1))
        assert.ok(first.resetMs > 59_000 && first.resetMs <= 60_000)
        assert.ok(refused.retryMs > 59_000 && refused.retryMs <= 60_000)
        assert.equal(refused.blockedMs, 0)
        assert.equal(refused.mark, 0)
      })

      it('looks without a trace', async () => {
        const counting = limiter()
        assert.deepEqual(await seen(counting, of(100)), {
          ...{ allowed: true, used: 0, remaining: 100, resetMs: 0 },
          ...{ retryMs: 0, blockedMs: 0, mark: 0 },
        })
        assert.equal(await counting.get('ann'), null)
        await one(counting, of(70))
        const { allowed, used, remaining } = await seen(counting, of(31))
        assert.deepEqual({ allowed, used, remaining }, { allowed: false, used: 70, remaining: 30 })
      })

      it('charges 100 of 1000 that come at once', async () => {
        const counting = limiter()
        const all = await Promise.all(Array.from({ length: 1000 }, () => one(counting, of(1))))
        assert.equal(all.filter(({ allowed }) => allowed).length, 100)
        assert.equal((await seen(counting)).used, 100)
      })

      it('gives back and charges later, in the window of the charge', async () => {
        const counting = limiter()
        const { mark } = await one(counting, of(80))
        assert.equal((await settle(counting, mark, 80, 20)).remaining, 80)
        const debt = await settle(counting, mark, 20, 150)
        assert.deepEqual([debt.allowed, debt.used, debt.remaining], [false, 150, 0])
        assert.equal((await one(counting, of(1))).allowed, false)
      })

      it('a charge of nothing takes nothing, and is settled like any other', async () => {
        const counting = limiter()
        const { allowed, used, mark } = await one(counting, of(0))
        assert.deepEqual([allowed, used], [true, 0])
        const settled = await settle(counting, mark, 0, 70)
        assert.deepEqual([settled.used, settled.mark], [70, mark])
        await settle(counting, settled.mark, 70, 100)
        assert.equal((await one(counting, of(0))).allowed, true)
        await settle(counting, settled.mark, 100, 101)
        assert.equal((await one(counting, of(0))).allowed, false)
        assert.equal((await seen(counting)).used, 101)
      })

      it('gives nothing back into the next window: 100 of 100 pass there', async () => {
        const counting = limiter({ duration: 1 })
        const { mark } = await one(counting, of(60, { windowMs: 1000 }))
        await sleep(1100)
        const { used, mark: after } = await settle(counting, mark, 60, 0)
        assert.deepEqual([used, after], [0, 0])
        const all = await Promise.all(Array.from({ length: 160 }, () => one(counting, of(1))))
        assert.equal(all.filter(({ allowed }) => allowed).length, 100)
      })

      it('gives nothing back where the budget was forgotten or blocked since', async () => {
        const counting = limiter()
        const budgets = foreignBudgets(counting)
        const { mark } = await one(counting, of(60))
        await budgets.clear(['ann', 'ann'])
        await sleep(300)
        await settle(counting, mark, 60, 0)
        assert.equal((await seen(counting)).used, 0)
        await budgets.block(['ann'], 500_000)
        await settle(counting, mark, 60, 0)
        assert.equal((await one(counting, of(1))).allowed, false)
      })

      it('gives nothing back into another window, whatever this clock says', async () => {
        const counting = limiter()
        const { mark } = await one(counting, of(40))
        await settle(counting, mark + 30_000, 40, 0)
        assert.equal((await seen(counting)).used, 40)
        await settle(counting, mark + 30_000, 40, 90)
        assert.equal((await seen(counting)).used, 40)
      })

      it('a budget and its block have one key', async () => {
        const counting = limiter()
        const budgets = foreignBudgets(counting)
        const key = limitKey('user~ann', 'rpm', 'f60000')
        const block = { key: blockKey('user~ann', 'rpm') }
        await budgets.charge([of(30, { key, block })])
        assert.equal((await counting.get('limit:{user~ann}:rpm'))?.consumedPoints, 30)
        await budgets.block([block.key], 5000)
        assert.equal((await one(counting, of(1, { key, block }))).allowed, false)
        await budgets.clear([key, block.key])
        assert.equal((await one(counting, of(100, { key, block }))).allowed, true)
      })

      it('never gives back more than there is', async () => {
        const counting = limiter()
        const { mark } = await one(counting, of(20))
        assert.equal((await settle(counting, mark, 50, 0)).used, 0)
        assert.equal((await one(counting, of(100))).allowed, true)
        assert.equal((await one(counting, of(1))).allowed, false)
      })

      it('blocks for whole seconds, never for less than told', async () => {
        const counting = limiter()
        await foreignBudgets(counting).block(['ann'], 1500)
        const { allowed, retryMs } = await one(counting, of(1))
        assert.equal(allowed, false)
        assert.ok(retryMs > 1500 && retryMs <= 2000, `${retryMs}`)
        await foreignBudgets(counting).clear(['ann'])
        assert.equal((await one(counting, of(100))).allowed, true)
      })

      it('leaves a refused charge where refusals are to block, and tells of the block', async () => {
        const counting = limiter({ blockDuration: 300 })
        await one(counting, of(60))
        const { allowed, remaining, blockedMs, retryMs } = await one(counting, of(60))
        assert.deepEqual([allowed, remaining], [false, 0])
        assert.ok(blockedMs > 299_000 && retryMs === blockedMs)
        assert.equal((await one(counting, of(1))).allowed, false)
      })
    })
  }

  it('a key that this process held for exhausted is asked for again when something came back', async () => {
    const counting = onRedis({ inMemoryBlockOnConsumed: 100 })
    const { mark } = await one(counting, of(100))
    const remembered = await one(counting, of(1))
    assert.deepEqual([remembered.allowed, remembered.used, remembered.blockedMs], [false, 100, 0])
    await settle(counting, mark, 100, 30)
    assert.deepEqual((await one(counting, of(70))).allowed, true)
    assert.equal((await one(counting, of(1))).allowed, false)
    assert.equal((await seen(counting)).used, 100)
  })

  it('a large charge that was refused keeps no small one out', async () => {
    const counting = onRedis({ inMemoryBlockOnConsumed: 100 })
    await one(counting, of(60))
    assert.equal((await one(counting, of(60))).allowed, false)
    assert.equal((await one(counting, of(40))).allowed, true)
  })

  it('a block in this process outlasts what is given back', async () => {
    const counting = onRedis({ inMemoryBlockOnConsumed: 100, inMemoryBlockDuration: 300 })
    const { mark } = await one(counting, of(99))
    assert.ok((await one(counting, of(2))).blockedMs > 299_000)
    await settle(counting, mark, 99, 0)
    const { allowed, blockedMs } = await one(counting, of(1))
    assert.equal(allowed, false)
    assert.ok(blockedMs > 299_000)
  })

  it('of a union the limiter counts that has least left, and refused charges stay', async () => {
    const union = new RateLimiterUnion(
      inMemory({ keyPrefix: 'minute' }),
      inMemory({ keyPrefix: 'second', points: 10, duration: 5 }),
    )
    const first = await one(union, of(4, { limit: 10 }))
    assert.deepEqual([first.allowed, first.used, first.remaining], [true, 4, 6])
    const refused = await one(union, of(7, { limit: 10 }))
    assert.deepEqual([refused.allowed, refused.used, refused.remaining], [false, 11, 0])
    assert.ok(refused.retryMs <= 5000)
    assert.equal((await seen(union, of(0, { limit: 10 }))).used, 11)
    await assert.rejects(settle(union, first.mark, 4, 0), { code: 'ERR_USAGE' })
    await assert.rejects(foreignBudgets(union).block(['ann'], 1000), { code: 'ERR_USAGE' })
    await assert.rejects(foreignBudgets(union).clear(['ann']), { code: 'ERR_USAGE' })
  })

  it('an error within a union is one of the store', async () => {
    const broken = inMemory({ keyPrefix: 'broken' })
    broken.consume = () => Promise.reject(new Error('away'))
    const union = new RateLimiterUnion(inMemory({ keyPrefix: 'minute' }), broken)
    await assert.rejects(one(union, of(1)), { code: 'ERR_STORE', reason: 'unavailable' })
  })

  it('a burst passes where the rate has no room', async () => {
    const bursty = new BurstyRateLimiter(
      inMemory({ points: 2, duration: 10 }),
      inMemory({ points: 3, keyPrefix: 'burst' }),
    )
    const passed = []
    for (let at = 0; at < 6; at += 1) passed.push((await one(bursty, of(1, { limit: 2 }))).allowed)
    assert.deepEqual(passed, [true, true, true, true, true, false])
  })

  it('whoever is on a white list passes uncounted, on a black list never', async () => {
    const listed = new RLWrapperBlackAndWhite({
      limiter: inMemory(),
      whiteList: ['ann'],
      blackList: ['bob'],
    })
    const white = await one(listed, of(100))
    assert.deepEqual([white.allowed, white.used, white.remaining], [true, 0, 100])
    assert.equal((await settle(listed, white.mark, 100, 300)).used, 0)
    const black = await one(listed, of(1, { key: 'bob' }))
    assert.deepEqual([black.allowed, black.retryMs], [false, Number.POSITIVE_INFINITY])
    assert.equal((await seen(listed, of(0, { key: 'bob' }))).allowed, false)
  })

  it('charges of no budget, of several and of slots are told apart', async () => {
    const budgets = foreignBudgets(inMemory())
    assert.deepEqual(await budgets.charge([]), [])
    await assert.rejects(budgets.charge([of(1), of(1)]), { code: 'ERR_USAGE' })
    await assert.rejects(budgets.charge([of(1, { algorithm: 'concurrency' })]), {
      code: 'ERR_USAGE',
    })
    await assert.rejects(budgets.renew([]), { code: 'ERR_USAGE' })
  })

  for (const [what, consume] of [
    ['throws', () => Promise.reject(new TypeError('no'))],
    [
      'throws at once',
      () => {
        throw new TypeError('no')
      },
    ],
    ['rejects with nothing', () => Promise.reject()],
    ['rejects with text', () => Promise.reject('no')],
    ['rejects with numbers that are none', () => Promise.reject({ msBeforeNext: Number.NaN })],
    ['resolves with nothing', () => Promise.resolve()],
    ['resolves with an empty record', () => Promise.resolve({})],
  ] as const) {
    it(`a limiter that ${what} is a store that fails`, async () => {
      await assert.rejects(limitStoreOf({ consume }).budgets.charge([of(1)]), {
        code: 'ERR_STORE',
      })
    })
  }

  it('a refusal stands where giving back fails', async () => {
    const counting = inMemory()
    counting.reward = () => Promise.reject(new Error('away'))
    const { allowed, used } = await one(counting, of(101))
    assert.deepEqual([allowed, used], [false, 101])
  })

  it('a limiter that hangs fails within the deadline, then at once; others stand in', async () => {
    const store = limitStoreOf({ consume: () => new Promise(() => {}) })
    for (let at = 0; at < 5; at += 1)
      await assert.rejects(store.budgets.charge([of(1)]), { code: 'ERR_STORE', reason: 'timeout' })
    await assert.rejects(store.budgets.charge([of(1)]), { reason: 'unavailable' })
    const [budget] = await store.insurance.charge([of(1)])
    assert.equal(budget?.allowed, true)
  })

  it('all who mount one limiter count on one store', () => {
    const limiter = inMemory()
    assert.equal(limitStoreOf(limiter), limitStoreOf(limiter))
    assert.notEqual(limitStoreOf(limiter), limitStoreOf(inMemory()))
  })

  it('wrong use is no failure of the store', async () => {
    const { budgets } = limitStoreOf(inMemory())
    await assert.rejects(budgets.charge([of(1), of(1)]), { code: 'ERR_USAGE' })
  })

  describe('when mounting', () => {
    const rule = (limiter: unknown, more = {}) =>
      foreignRule('rateLimit', limiter as RateLimiterLike, more)

    it('a limiter is known from a store', () => {
      const queue = new RateLimiterQueue(inMemory())
      for (const store of [inMemory(), new RateLimiterUnion(inMemory()), queue])
        assert.equal(isRateLimiterLike(store), true)
      for (const store of [undefined, null, {}, 1, { budgets: {} }])
        assert.equal(isRateLimiterLike(store), false)
    })

    it('limit and window are those of the limiter, through wrappers', () => {
      const limiter = inMemory()
      const listed = new RLWrapperBlackAndWhite({ limiter })
      const timed = new RLWrapperTimeouts({ limiter: listed, timeoutMs: 100 })
      for (const each of [limiter, listed, timed])
        assert.deepEqual(rule(each), { limit: 100, window: '1m', algorithm: 'fixed' })
    })

    it('they may be told when they are the same', () => {
      const all = { ...told, name: 'rpm' }
      assert.deepEqual(rule(inMemory(), all), { ...all, algorithm: 'fixed' })
    })

    const told = { limit: 100, window: 60 }
    const union = () => new RateLimiterUnion(inMemory())
    for (const [fault, limiter, more, message] of [
      ['another limit', inMemory, { limit: 10 }, /rateLimit.limit` must be 100, .* got 10/],
      ['another window', inMemory, { window: '1h' }, /rateLimit.window` must be .* got "1h"/],
      ['a limit by function', union, { limit: () => 1, window: 1 }, /limit` .* got a function/],
      ['no limit where the limiter tells none', union, { window: 60 }, /limit` .* undefined/],
      ['no window where the limiter tells none', union, { limit: 1 }, /window` .* undefined/],
      ['another algorithm', inMemory, { algorithm: 'gcra' }, /algorithm` must be 'fixed'/],
      ['a block', inMemory, { block: { after: 1, for: 1 } }, /block` must be absent/],
      ['a refund that is not possible', union, { ...told, refundIf: () => true }, /refundIf`/],
      ['a queue', () => new RateLimiterQueue(inMemory()), {}, /store` .* inside the queue/],
      ['half a second', () => inMemory({ duration: 0.5 }), {}, /store` .* got 0.5/],
      ['a key that never expires', () => inMemory({ duration: 0 }), {}, /whole seconds above 0/],
      ['half a block', () => inMemory({ blockDuration: 0.5 }), {}, /blockDuration` .* got 0.5/],
      ['a limiter that holds back', () => inMemory({ execEvenly: true }), {}, /execEvenly/],
    ] as const) {
      it(`refuses ${fault}`, () => {
        assert.throws(
          () => rule(limiter(), more),
          (error: Error & { code?: string }) => {
            assert.equal(error.code, 'ERR_OPTION')
            assert.match(error.message, message)
            return true
          },
        )
      })
    }
  })
})

import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { after, before, beforeEach, describe, it } from 'mocha'
import type { Algorithm, Budgets, Charge, Provider } from '../../lib/index.ts'
import { redisProvider } from '../../lib/providers/redis/provider.ts'
import { type CountingProxy, startCountingProxy } from '../support/counting-proxy.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

const minuteMs = 60_000
const most = 999_999_999_999_999
const key = 'limit:{user~ann}:10000-per-1m:w60000'
const rule = { algorithm: 'sliding', limit: 10, windowMs: minuteMs, cost: 1 } as const

/** A charge of each kind, on one slot; each may be blocked. */
const kinds: readonly Charge[] = (
  [
    ['few', 'sliding', 10],
    ['many', 'sliding', 1000],
    ['fixed', 'fixed', 10],
    ['gcra', 'gcra', 10],
    ['slots', 'concurrency', 10],
  ] as const satisfies readonly (readonly [string, Algorithm, number])[]
).map(([name, algorithm, limit]) => ({
  ...rule,
  key: `limit:{user~ann}:${name}`,
  algorithm,
  limit,
  lease: 'lease',
  block: { key: `limit:{user~ann}:${name}:block`, after: 2, forMs: 1000, doubles: true },
}))

describe('budgets on a Redis server', () => {
  let server: TestServer
  let proxy: CountingProxy
  let provider: Provider
  let budgets: Budgets
  let redis: Redis
  before(async () => {
    server = await startRedis()
    proxy = await startCountingProxy(server)
    provider = redisProvider({ host: proxy.host, port: proxy.port })
    budgets = provider.budgets
    redis = server.client()
  })
  beforeEach(async () => {
    await redis.flushall()
    await redis.config('RESETSTAT')
  })
  after(async () => {
    await provider.close()
    await proxy.close()
    await server.stop()
  })

  /** The commands a server has run since the last test, and how often. */
  async function ran(): Promise<Record<string, number>> {
    const stats = await redis.info('commandstats')
    const lines = stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)
    return Object.fromEntries([...lines].map(([, name, calls]) => [name, Number(calls)]))
  }

  async function everything(): Promise<unknown> {
    const keys = (await redis.keys('*')).sort()
    return Promise.all(
      keys.map(async (each) => [each, await redis.dumpBuffer(each), await redis.pexpiretime(each)]),
    )
  }

  it('takes one command and one round trip, for one budget or for five with their blocks', async () => {
    const [first] = kinds
    assert.ok(first)
    const took = await budgets.charge(kinds)
    const settlements = kinds.map((each, at) => ({
      ...each,
      mark: took[at]?.mark ?? 0,
      charged: 1,
      cost: 0,
    }))
    const steps = {
      one: () => budgets.charge([first]),
      five: () => budgets.charge(kinds),
      peek: () => budgets.peek(kinds),
      settle: () => budgets.settle(settlements),
      renew: () => budgets.renew([{ key: 'limit:{a}:slots', lease: 'lease', leaseMs: minuteMs }]),
      block: () => budgets.block(['limit:{a}:block', 'limit:{b}:block'], minuteMs),
    }
    for (const [name, step] of Object.entries(steps)) {
      await step()
      proxy.reset()
      await step()
      assert.deepEqual([proxy.counts, proxy.roundTrips], [{ EVALSHA: 1 }, 1], name)
    }
  })

  it('asks once whether any of them is blocked', async () => {
    await budgets.charge(kinds)
    assert.equal((await ran())['exists'], 1)
  })

  it('goes on after the server has forgotten all scripts', async () => {
    for (let times = 1; times <= 3; times += 1) {
      await redis.script('FLUSH')
      const [budget] = await budgets.charge([{ ...rule, key }])
      assert.deepEqual([budget?.allowed, budget?.used], [true, times])
      await redis.script('FLUSH')
      const mark = budget?.mark ?? 0
      const [settled] = await budgets.settle([{ ...rule, key, mark, charged: 1, cost: 1 }])
      assert.equal(settled?.used, times)
    }
  })

  it('writes nothing in a peek, whatever it finds', async () => {
    const short = kinds.map((each) => ({ ...each, windowMs: 20 }))
    for (const each of kinds) await budgets.charge([each])
    await budgets.renew(
      kinds.map((each) => ({ key: each.key, lease: 'gone', leaseMs: 20 })).slice(4),
    )
    for (const each of kinds) await budgets.charge([{ ...each, cost: each.limit + 1, lease: 'b' }])
    await sleep(25)
    const before = await everything()
    await redis.config('RESETSTAT')
    for (const charges of [kinds, short])
      for (const cost of [0, 1, 10_000])
        await budgets.peek(charges.map((each) => ({ ...each, cost, lease: `${cost}` })))
    assert.deepEqual(await everything(), before)
    const reads = ['evalsha', 'eval', 'time', 'exists', 'get', 'pexpiretime']
    const allowed = [
      ...reads,
      'zscore',
      'zcount',
      'zrangebyscore',
      'keys',
      'dump',
      'config|resetstat',
    ]
    assert.deepEqual(
      Object.keys(await ran()).filter((name) => !allowed.includes(name)),
      [],
    )
  })

  it('gives every key a time to live, whatever is done', async () => {
    const large = kinds.map((kind) => ({ ...kind, limit: most, windowMs: most }))
    for (const kind of [...kinds, ...large]) {
      const { block } = kind
      assert.ok(block)
      const at = (name: string) => ({
        ...kind,
        key: `${kind.key}:${kind.limit}:${name}`,
        block: { ...block, key: `${kind.key}:${kind.limit}:${name}:block` },
      })
      const [taken, owed, given] = [at('taken'), at('owed'), at('given')]
      for (const charge of [taken, owed, given]) {
        const [{ mark = 0 } = {}] = await budgets.charge([charge])
        await budgets.charge([{ ...charge, lease: 'other' }])
        const cost = { [owed.key]: most, [given.key]: 0 }[charge.key] ?? 1
        await budgets.settle([{ ...charge, mark, charged: 1, cost }])
        await budgets.charge([{ ...charge, cost: most, lease: 'third' }])
        await budgets.charge([charge])
      }
      await budgets.block([taken.block.key, `${kind.key}:${kind.limit}:told`], most)
    }
    await budgets.renew([{ key: 'limit:{a}:new', lease: 'a', leaseMs: minuteMs }])
    const keys = await redis.keys('*')
    assert.ok(keys.length > 40, `${keys.length}`)
    const lives = await Promise.all(keys.map((each) => redis.pttl(each)))
    assert.deepEqual(
      keys.filter((_, at) => lives[at] === -1),
      [],
    )
  })

  it('keeps the smallest windows and the largest rates', async () => {
    for (const kind of kinds)
      for (const [limit, windowMs] of [
        [1, 1],
        [most, 1],
        [1, most],
        [most, most],
      ] as const) {
        const at = `${kind.key}:${limit}:${windowMs}`
        const cost = kind.algorithm === 'concurrency' ? 1 : limit
        const [budget] = await budgets.charge([{ ...kind, key: at, limit, windowMs, cost }])
        assert.deepEqual([budget?.allowed, budget?.used], [true, cost], at)
        assert.ok((budget?.resetMs ?? 0) > 0, at)
        assert.notEqual(await redis.pttl(at), -1, at)
      }
  })

  it('takes what is no budget for corrupt, and leaves it as it is', async () => {
    for (const each of kinds) {
      await redis.hset(each.key, 'field', 'value')
      await assert.rejects(budgets.charge([each]), { name: 'StoreError', reason: 'corrupt' })
      await redis.set(each.key, '"a value"')
      await assert.rejects(budgets.charge([each]), { name: 'StoreError', reason: 'corrupt' })
      assert.equal(await redis.get(each.key), '"a value"')
      await redis.del(each.key)
      await redis.set(each.block?.key ?? '', 'a value')
      await assert.rejects(budgets.charge([each]), { name: 'StoreError', reason: 'corrupt' })
      await redis.del(each.block?.key ?? '')
    }
  })

  it('takes at most 300 bytes for a sliding budget', async () => {
    const few = { ...rule, key: `${key}few`, limit: 24, cost: 24 }
    await budgets.charge([few])
    assert.ok(((await provider.inspection?.size(few.key)) ?? 999) <= 300)
    // All thirteen twelfths that count: one byte, the number of the first, eight bytes each.
    const whole = 1 + 6 + 13 * 8
    const many = { ...rule, key, limit: 10_000, windowMs: 240 }
    for (let tries = 0; (await redis.strlen(key)) < whole; tries += 1) {
      assert.ok(tries < 1000, 'some twelfths were never charged')
      await budgets.charge([many])
      await sleep(5)
    }
    const bytes = (await provider.inspection?.size(key)) ?? 999
    assert.ok(bytes <= 300, `${bytes}`)
  })

  it('keeps no lease that has ended', async () => {
    const slots = { ...rule, key, algorithm: 'concurrency', windowMs: 20 } as const
    for (const lease of ['a', 'b', 'c']) await budgets.charge([{ ...slots, lease }])
    await sleep(25)
    await budgets.charge([{ ...slots, lease: 'd', windowMs: minuteMs }])
    assert.deepEqual(await redis.zrange(key, '0', '-1'), ['d'])
  })

  it('never shortens the life of slots that are held for longer', async () => {
    const slots = { ...rule, key, algorithm: 'concurrency' } as const
    await budgets.charge([{ ...slots, lease: 'long' }])
    await budgets.charge([{ ...slots, lease: 'short', windowMs: 10 }])
    await budgets.renew([{ key, lease: 'short', leaseMs: 10 }])
    await sleep(25)
    const [budget] = await budgets.peek([{ ...slots, lease: 'other', cost: 0 }])
    assert.equal(budget?.used, 1)
  })
})

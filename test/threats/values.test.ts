import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { after, before, beforeEach, describe, it } from 'mocha'
import { RateLimiterRedis } from 'rate-limiter-flexible'
import { type Charge, cached, createStore, type Store } from '../../lib/index.ts'
import { sessionMemory, rateLimit as withExpress } from '../../middleware/express.ts'
import { rateLimit as withKoa } from '../../middleware/koa.ts'
import { frameworks } from '../support/apps.ts'
import { eventually } from '../support/eventually.ts'
import { serveMemories } from '../support/memories.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { bothProviders } from '../support/stores.ts'

const badTtls = [
  0,
  -1,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  1e30,
  '10 ; FLUSHALL',
  '10',
  ['PX', 1],
]
const option = { code: 'ERR_OPTION' }
const usage = { code: 'ERR_USAGE' }

for (const stores of bothProviders()) {
  describe(`threat: arrays and objects in the place of text, over ${stores.name}`, () => {
    let store: Store
    before(() => stores.start())
    beforeEach(async () => {
      store = await stores.empty()
    })
    after(() => stores.stop())

    it('are values, and no arguments of a command', async () => {
      const values = [['v', 'PX', '50'], ['v', 'EX', '1', 'NX'], { PX: 50 }, [['deep']], []]
      for (const value of values) {
        await store.set('one', value)
        await store.mset({ two: value })
        await store.pipeline().set('three', value).exec()
        for (const key of ['one', 'two', 'three']) {
          assert.deepEqual(await store.get(key), value)
          assert.equal(await store.ttl(key), Number.POSITIVE_INFINITY)
        }
      }
    })

    it('are no keys', async () => {
      const refused = { code: 'ERR_ID' }
      for (const key of [['a', 'b'], ['a'], { toString: () => 'a' }, Buffer.from('a'), 1, null]) {
        const bad = key as never
        for (const task of [
          () => store.set(bad, 1),
          () => store.get(bad),
          () => store.mget([bad]),
          () => store.delete(bad),
          () => store.exists(bad),
          () => store.expire(bad, 1),
          () => store.ttl(bad),
          () => store.incr(bad),
          () => store.keys(bad),
          () => store.deletePattern(bad),
          async () => store.pipeline().get(bad),
        ])
          await assert.rejects(task, refused)
      }
      assert.deepEqual(await store.keys('*'), [])
    })
  })

  describe(`threat: times to live that are none, over ${stores.name}`, () => {
    let store: Store
    before(() => stores.start())
    beforeEach(async () => {
      store = await stores.empty()
      await store.set('canary', 'here')
    })
    after(() => stores.stop())

    it('are refused by each call and option that takes one, and nothing is written or ended', async () => {
      for (const ttl of badTtls as never[]) {
        const text = String(ttl)
        await assert.rejects(store.set('key', 1, { ttl }), option, text)
        await assert.rejects(store.mset({ key: 1 }, { ttl }), option, text)
        await assert.rejects(store.expire('canary', ttl), option, text)
        assert.throws(() => store.pipeline().set('key', 1, { ttl }), option, text)
        assert.throws(() => store.pipeline().expire('canary', ttl), option, text)
        assert.throws(() => sessionMemory({ store, ttl }), option, text)
        assert.throws(() => withExpress({ store, limit: 1, window: ttl }), option, text)
        assert.throws(() => cached(async () => 1, { store, name: 'one', ttl }), option, text)
      }
      assert.deepEqual(await store.keys('*'), ['canary'])
      assert.equal(await store.ttl('canary'), Number.POSITIVE_INFINITY)
    })

    it('1.5 is a second and a half', async () => {
      await store.set('key', 1, { ttl: 1.5 })
      const left = (await store.ttl('key')) ?? 0
      assert.ok(left > 1 && left <= 1.5, String(left))
    })
  })

  describe(`threat: a cost below nothing, over ${stores.name}`, () => {
    let store: Store
    before(() => stores.start())
    beforeEach(async () => {
      store = await stores.empty()
    })
    after(() => stores.stop())

    const badCosts = [-5, -1, -0.5, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60, '-5', [-5]]

    for (const framework of frameworks) {
      it(`is an error of the application on ${framework.name}, and gives nothing back`, async () => {
        let cost: unknown = 3
        const rule = { name: 'api', limit: 5, window: '1m', cost: () => cost as number } as const
        const limit = { store, limits: [rule] }
        const app = await framework.serve({ limit }, ({ send, rateLimit }) =>
          send(200, String(rateLimit.limits['api']?.remaining)),
        )
        try {
          assert.equal(await (await fetch(app.url)).text(), '2')
          for (cost of badCosts) assert.equal((await fetch(app.url)).status, 500, String(cost))
          cost = 0
          assert.equal(await (await fetch(app.url)).text(), '2')
        } finally {
          await app.close()
        }
      })
    }

    it('is refused by check() and settle() of both frameworks', async () => {
      const rule = (name: string) => ({ store, limits: [{ name, limit: 5, window: '1m' }] })
      for (const [name, limit] of [
        ['api', withExpress(rule('api'))],
        ['web', withKoa(rule('web'))],
      ] as const) {
        for (const cost of badCosts as never[])
          await assert.rejects(limit.check('ann', { cost }), usage, String(cost))
        const taken = await limit.check('ann', { cost: 1 })
        for (const cost of badCosts as never[])
          await assert.rejects(async () => taken.settle({ [name]: cost }), usage, String(cost))
      }
    })
  })
}

const key = 'limit:{user~ann}:api'
const windowMs = 250
const rules: readonly Omit<Charge, 'key'>[] = [
  { algorithm: 'fixed', limit: 2, windowMs, cost: 1 },
  { algorithm: 'gcra', limit: 2, windowMs, cost: 1 },
  { algorithm: 'sliding', limit: 2, windowMs, cost: 1 },
  { algorithm: 'sliding', limit: 30, windowMs, cost: 15 },
]

describe('threats to what is stored on Redis alone', () => {
  let server: TestServer
  let redis: Redis
  let store: Store
  before(async () => {
    server = await startRedis()
    redis = server.client()
    store = createStore({ url: server.url, deadline: '1s' })
  })
  beforeEach(() => redis.flushall())
  after(async () => {
    await store.close()
    await server.stop()
  })

  it('arrays: the driver alone takes them for arguments, so that a value ends', async () => {
    await redis.set('naive', ['v', 'PX', '50'] as never)
    assert.ok((await redis.pttl('naive')) > 0)
  })

  describe('threat: a counter without a time to live, left by a crash', () => {
    for (const rule of rules)
      it(`is not trusted for ever: ${rule.algorithm} of ${rule.limit}`, async () => {
        const charge = { ...rule, key }
        const allowed = async () => (await store.budgets.charge([charge]))[0]?.allowed
        while (await allowed());
        assert.equal(await redis.persist(key), 1)
        await eventually('it passes again', async () => (await allowed()) || undefined)
        const left = await redis.pttl(key)
        assert.ok(left > 0 && left <= 2 * windowMs, String(left))
      })

    it('is not trusted for ever: slots that nobody gives back', async () => {
      const slot = (lease: string) =>
        store.budgets.charge([
          { key, algorithm: 'concurrency', limit: 1, windowMs, cost: 1, lease },
        ])
      await slot('one')
      await redis.persist(key)
      await eventually('it passes again', async () => (await slot('two'))[0]?.allowed || undefined)
      assert.ok((await redis.pttl(key)) > 0)
    })

    it('is not trusted for ever: a block', async () => {
      const block = { key: `${key}:block` }
      const charge = { ...(rules[0] as Charge), key, block }
      await store.budgets.block([block.key], windowMs)
      await redis.persist(block.key)
      const allowed = async () => (await store.budgets.charge([charge]))[0]?.allowed
      assert.equal(await allowed(), false)
      await eventually('it passes again', async () => (await allowed()) || undefined)
    })

    it('locks a user out for good where only the first INCR is followed by EXPIRE: the check bites', async () => {
      const allowed = async () => {
        const count = await redis.incr('naive')
        if (count === 1) await redis.pexpire('naive', windowMs)
        return count <= 2
      }
      while (await allowed());
      await redis.persist('naive')
      assert.equal(await allowed(), false)
      assert.equal(await redis.pttl('naive'), -1)
    })
  })

  it('threat: a cost below nothing refunds points of rate-limiter-flexible: the check bites', async () => {
    const peer = new RateLimiterRedis({ storeClient: redis, points: 5, duration: 60 })
    await peer.consume('ann', 5)
    await peer.consume('ann', -5)
    assert.equal((await peer.consume('ann', 5)).consumedPoints, 5)
  })

  describe('threat: ids that are Lua', () => {
    const programs = [
      "'); redis.call('FLUSHALL') --",
      ']] redis.call("FLUSHALL") --[[',
      'KEYS[1]',
      'ARGV[1]',
      "%s%d\\27' .. KEYS[1] .. '",
      '"] = nil end return 1 --',
      '%{KEYS[1]}%',
    ]

    for (const id of programs)
      it(`go through every script as they are: ${id}`, async () => {
        await redis.set('canary', 'here')
        const memories = await serveMemories(store, { turns: 'reject', maxSessions: 5 })
        const message = { id, role: 'user', content: id } as const
        try {
          await memories.as({ user: id }, async (memory) => {
            const chat = memory.open(id)
            await chat.append(message)
            await chat.set({ title: id, meta: { [id]: id }, system: id, pinned: true })
            await chat.state.set({ [id]: id })
            assert.equal(await chat.state.compareAndSet(id, id, id), true)
            await memory.preferences.set({ [id]: id })
            assert.equal(await chat.update(id, message), true)
            const turn = await chat.turn({ id: `${id}2`, role: 'user', content: id })
            turn.write(id)
            await turn.commit()
            const copy = await chat.fork(id)
            assert.deepEqual(
              (await copy.history()).items.map(({ content }) => content),
              [id],
            )
            assert.deepEqual(await copy.state.all(), { [id]: id })
            assert.equal(await chat.rewind(`${id}2`), 2)
            const info = await chat.info()
            assert.deepEqual([info?.id, info?.title, info?.meta], [id, id, { [id]: id }])
            assert.equal((await memory.sessions.list({ q: id })).items.length, 2)
            assert.deepEqual(await memory.preferences.all(), { [id]: id })
            assert.equal(await copy.delete(), true)
            assert.equal(await memory.sessions.forget(), 1)
          })
          const block = { after: 1, for: '1m' } as const
          const rule = { name: 'api', limit: 1, window: '1m', block } as const
          const limit = withExpress({ store, limits: [rule] })
          assert.deepEqual(
            [(await limit.check(id)).allowed, (await limit.check(id)).allowed],
            [true, false],
          )
          const double = cached(async (text: string) => text + text, {
            ...{ store, name: 'double', ttl: '1m' },
            tags: [id],
          })
          assert.equal(await double(id), id + id)
          await store.purge({ tags: [id] })
          assert.equal((await double.withStatus(id)).status, 'miss')
          assert.equal(await redis.get('canary'), 'here')
        } finally {
          await memories.close()
        }
      })
  })
})

import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { createStore, type Memory, type Store } from '../../lib/index.ts'
import { listKey, ownerKeys, sessionKeys } from '../../lib/keys.ts'
import { fuzz } from '../support/fuzz-stored.ts'
import { type Memories, serveMemories } from '../support/memories.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

describe('threat: stored values that are damaged, of another version or of another type', () => {
  let server: TestServer
  before(async () => {
    server = await startRedis()
  })
  after(() => server.stop())

  // Thousands, and plain JSON as well: test/faults/fuzz-stored.test.ts.
  it('are right, refused or absent, encrypted: 100 cases', async () => {
    const { cases, kinds, refused } = await fuzz(server, {
      sealed: true,
      seed: 20261126,
      cases: 100,
    })
    assert.equal(cases, 100)
    assert.ok(kinds.size >= 20, [...kinds].join(' '))
    assert.ok(refused > 50)
  })

  describe('each kind by itself', () => {
    const keys = sessionKeys('ann', 'default')
    let redis: Redis
    let store: Store
    let memories: Memories
    before(() => {
      redis = server.client()
    })
    beforeEach(async () => {
      await redis.flushall()
      store = createStore({ url: server.url, deadline: '1s' })
      memories = await serveMemories(store)
      await memories.ann(async (memory) => {
        for (const id of ['m1', 'm2', 'm3']) await memory.append({ id, role: 'user', content: id })
        await memory.set({ title: 'title' })
      })
    })
    afterEach(async () => {
      await memories.close()
      await store.close()
    })

    const corrupt = { code: 'ERR_STORE', reason: 'corrupt', status: 503 }
    const refuses = (task: (memory: Memory) => Promise<unknown>, what: string) =>
      memories.ann((memory) => assert.rejects(task(memory), corrupt, what))

    it('numbers of a session that are none', async () => {
      const fields = ['rev', 'seq', 'len', 'tokens', 'created', 'updated']
      const none = ['x', '-1', '1.5', '1e3', '0x10', ' 1', 'nan', 'inf', '9'.repeat(20)]
      for (const [field, bad] of fields.flatMap((each) =>
        none.map((bad) => [each, bad] as const),
      )) {
        const right = await redis.hget(keys.session, field)
        await redis.hset(keys.session, field, bad)
        await refuses((memory) => memory.info(), `${field} ${bad}`)
        await refuses((memory) => memory.sessions.list(), `${field} ${bad}`)
        await redis.hset(keys.session, field, String(right))
      }
    })

    it('titles, meta and summaries that are JSON of another kind', async () => {
      for (const [field, bad] of [
        ['title', '[1]'],
        ['title', '{"toString":null}'],
        ['meta', '1'],
        ['meta', '[]'],
        ['meta', 'null'],
        ['summary', '1|[1]'],
        ['summary', 'x|"text"'],
        ['summary', '"text"'],
        ['system', '0|m|x|1|{"content":"x"}'],
      ] as const) {
        await redis.hset(keys.session, field, bad)
        await refuses(async (memory) => {
          for await (const line of memory.export()) void line
        }, `${field} ${bad}`)
        await redis.hdel(keys.session, field)
      }
    })

    it('messages with another header, an id that none is encoded as, or no content', async () => {
      const [first] = await redis.lrange(listKey(keys), 0, 0)
      for (const bad of [
        ...['', 'x', '|||||', '1|m1|u|1', '1|m1|x|1|{"content":"a"}', '1|m1|uu|1|{"content":"a"}'],
        ...['x|m1|u|1|{"content":"a"}', '1|m1|u|-1|{"content":"a"}', '1||u|1|{"content":"a"}'],
        ...['1|%|u|1|{"content":"a"}', '1|%FF|u|1|{"content":"a"}', '1|a b|u|1|{"content":"a"}'],
        ...['1|~aaaaaaaaaaaaaaaaaaaa%%|u|1|{"content":"a"}', '1|m1|u|1|{}', '1|m1|u|1|null'],
        ...[70, 401].map((length) => `1|${'a'.repeat(length)} |u|1|{"content":"a"}`),
        ...[`1|${'a'.repeat(401)}|u|1|{"content":"a"}`, `1|${'a'.repeat(70)}|uu|1|{"content":"a"}`],
        ...['1|m1|u|1|[]', '1|m1|u|1|"a"', '2|m1|u|1|{"content":"a"}', '1|m1|u|1|\xff'],
      ]) {
        await redis.lset(listKey(keys), 0, bad)
        await refuses((memory) => memory.history(), bad)
        await refuses((memory) => memory.context(), bad)
      }
      await redis.lset(listKey(keys), 0, first ?? '')
    })

    it('a message that is missing between two others, and two that are exchanged', async () => {
      const [one = '', two = '', three = ''] = await redis.lrange(listKey(keys), 0, -1)
      for (const lines of [
        [one, three],
        [two, one, three],
        [one, one, three],
      ]) {
        await redis.del(listKey(keys))
        await redis.rpush(listKey(keys), ...lines)
        await refuses((memory) => memory.history(), lines.join())
      }
    })

    it('a mark with which a script cannot reckon', async () => {
      await redis.hset(keys.session, 'i:m1', 'x')
      await refuses((memory) => memory.append({ id: 'm1', role: 'user', content: 'x' }), 'i:m1')
    })

    it('records of turns that are none keep nobody from answering', async () => {
      const ends = ['', ' nan', ` ${Date.now() + 9e8}`, ` ${'9'.repeat(16)}`, ` ${'9'.repeat(30)}`]
      const never = ends.map((end) => `q a b running${end}`)
      const elsewhere = [-5000, 5000].map((ms) => `q a b ended ${Date.now() + ms}`)
      for (const bad of ['x', `q a b flying ${Date.now() + 5000}`, ...never, ...elsewhere]) {
        await redis.hset(keys.session, 'turns', bad)
        await memories.ann(async (memory) => {
          const turn = await memory.turn({ role: 'user', content: 'and now?' })
          await turn.commit({ role: 'assistant', content: 'well' })
        })
      }
    })

    it('records of turns that have ended, and what is told of them, keep nobody from answering', async () => {
      const late = Date.now() + 60_000
      const ends = ['x', '', ':', `${late}`, `${late}:0`, `${late}:16`, `${late}:999`, '0:1']
      const lines = ['', 'x', '\n\n', `q a - ended ${late}`, 'q a - ended', `q a - ended ${late}9`]
      for (const ended of lines)
        for (const each of ends) {
          await redis.hset(keys.session, 'ended', ended, 'ends', each)
          await memories.ann(async (memory) => {
            const turn = await memory.turn({ role: 'user', content: 'and now?' })
            await turn.commit({ role: 'assistant', content: 'well' })
            assert.equal((await memory.info())?.running, false)
          })
          const kept = (await redis.hget(keys.session, 'ended')) ?? ''
          assert.match(kept.split('\n').at(-1) ?? '', /^\S+ \S+ - ended \d+$/)
        }
    })

    it('names of values that none is encoded as', async () => {
      await redis.hset(ownerKeys('ann').preferences, '%', '1')
      await refuses((memory) => memory.preferences.all(), '%')
    })

    it('what stands in the place of a session does not keep it from being deleted', async () => {
      await redis.del(keys.session)
      await redis.set(keys.session, 'x')
      await refuses((memory) => memory.history(), 'a string')
      assert.equal(await memories.ann((memory) => memory.delete()), true)
      assert.deepEqual(await redis.keys('*'), [])
    })

    it('budgets', async () => {
      const rule = { key: 'limit:{user~ann}:api', windowMs: 60_000, cost: 1 } as const
      const double = (value: number) => {
        const bytes = Buffer.alloc(16)
        bytes.writeUInt8(3)
        bytes.writeDoubleBE(value, 1)
        return bytes
      }
      for (const [algorithm, limit, bad] of [
        ['gcra', 10, double(Number.NaN)],
        ['gcra', 10, double(-1e9)],
        ['gcra', 10, double(Number.POSITIVE_INFINITY)],
        ['fixed', 10, '-5'],
        ['fixed', 10, '1e3'],
        ['sliding', 10, 'x'],
        ['sliding', 100, Buffer.of(2, 0)],
      ] as const) {
        await redis.set(rule.key, bad, 'EX', 60)
        const charge = { ...rule, algorithm, limit }
        await assert.rejects(store.budgets.charge([charge]), corrupt, `${algorithm} ${bad}`)
      }
      await redis.set(rule.key, '9'.repeat(300), 'EX', 60)
      const [budget] = await store.budgets.charge([{ ...rule, algorithm: 'fixed', limit: 10 }])
      assert.equal(budget?.allowed, false)
      assert.ok(Number.isSafeInteger(budget.used))
    })
  })
})

import assert from 'node:assert/strict'
import session, { type SessionData } from 'express-session'
import { after, before, beforeEach, describe, it } from 'mocha'
import type { Store } from '../../lib/index.ts'
import { msgpack } from '../../lib/msgpack.ts'
import { createStore } from '../../lib/store.ts'
import { sessionStore } from '../../middleware/express-session.ts'
import { sessionStore as koaStore } from '../../middleware/koa-session.ts'
import { startRedis } from '../support/redis.ts'
import { testStores } from '../support/stores.ts'

const live = (more: object = {}) => ({ cookie: { originalMaxAge: null }, ...more }) as SessionData
const until = (ms: number) =>
  ({ cookie: { originalMaxAge: ms, expires: new Date(Date.now() + ms) } }) as SessionData

for (const stores of testStores()) {
  describe(`the store for express-session over ${stores.name}`, () => {
    let store: Store
    let sessions: ReturnType<typeof sessionStore>
    before(() => stores.start())
    beforeEach(async () => {
      store = await stores.empty()
      sessions = sessionStore({ store, prefix: 'a*:' })
    })
    after(() => stores.stop())

    it('is one as express-session defines it', () => {
      assert.ok(sessions instanceof session.Store)
    })

    it('lists and counts its sessions, and nothing else', async () => {
      await store.set('ab:other', { cookie: {} })
      await store.set('other', 1)
      const ids = ['one', 'two words', 'user:3']
      for (const id of ids) await sessions.set(id, live({ userId: id }))
      assert.equal(await sessions.length(), 3)
      assert.deepEqual((await sessions.ids())?.sort(), ids)
      const all = (await sessions.all()) as (SessionData & { id: string })[]
      assert.deepEqual(all.map(({ id, userId }) => [id, userId]).sort(), [
        ['one', 'one'],
        ['two words', 'two words'],
        ['user:3', 'user:3'],
      ])
    })

    it('clears its sessions, and nothing else', async () => {
      await store.set('ab:other', 1)
      for (let n = 0; n < 1100; n += 1) await store.set(`a*:${n}`, live())
      assert.equal((await sessions.all())?.length, 1100)
      await sessions.clear()
      assert.deepEqual(await store.keys('*'), ['ab:other'])
      assert.deepEqual(
        [await sessions.ids(), await sessions.all(), await sessions.length()],
        [[], [], 0],
      )
      await sessions.clear()
    })

    it('tells callbacks', async () => {
      const told = <T>(ask: (done: (error?: unknown, value?: T) => void) => unknown) =>
        new Promise<unknown[]>((resolve) => ask((...outcome) => resolve(outcome)))
      assert.deepEqual(await told((done) => sessions.set('a', live(), done)), [null, undefined])
      assert.deepEqual(await told((done) => sessions.touch('a', live(), done)), [null, undefined])
      assert.deepEqual(await told((done) => sessions.get('a', done)), [null, live()])
      assert.deepEqual(await told((done) => sessions.ids(done)), [null, ['a']])
      assert.deepEqual(await told((done) => sessions.length(done)), [null, 1])
      assert.deepEqual(await told((done) => sessions.all(done)), [null, [live({ id: 'a' })]])
      assert.deepEqual(await told((done) => sessions.destroy('a', done)), [null, undefined])
      assert.deepEqual(await told((done) => sessions.clear(done)), [null, undefined])
      assert.deepEqual(await told((done) => sessions.get('a', done)), [null, null])
    })

    it('takes nothing that a callback throws for its own failure', async () => {
      const outcomes: unknown[] = []
      const thrown = new Promise<Error>((resolve) => {
        const listeners = process.listeners('uncaughtException')
        process.removeAllListeners('uncaughtException')
        process.once('uncaughtException', (error) => {
          for (const each of listeners) process.on('uncaughtException', each)
          resolve(error)
        })
      })
      await sessions.get('a', (error, value) => {
        outcomes.push(error, value)
        throw new Error('the application')
      })
      assert.match(String(await thrown), /the application/)
      assert.deepEqual(outcomes, [null, null])
    })

    it('gives a session the time of its cookie, and renews it by touch', async () => {
      await sessions.set('timed', until(60_000))
      const left = (await store.ttl('a*:timed')) ?? 0
      assert.ok(left > 58 && left <= 60, String(left))
      await sessions.touch('timed', until(600_000))
      assert.ok(((await store.ttl('a*:timed')) ?? 0) > 590)
      await sessions.touch('timed', live())
      assert.ok(((await store.ttl('a*:timed')) ?? 0) > 3590)
    })

    it('forgets a session whose cookie is over', async () => {
      await sessions.set('over', live())
      await sessions.touch('over', until(-1000))
      assert.equal(await sessions.get('over'), null)
      await sessions.set('over', live())
      await sessions.set('over', until(-1000))
      assert.deepEqual(await store.keys('*'), [])
    })

    it('leaves nothing of its self-test', async () => {
      await sessions.get('any')
      assert.deepEqual(await store.keys('*'), [])
    })

    it('refuses options it cannot work with', () => {
      for (const options of [
        { stor: store },
        { store: {} },
        { store, ttl: 0 },
        { store, ttl: '10' },
        { store, prefix: '' },
        { store, prefix: '{a}:' },
        { store, prefix: 'session:' },
        { store, prefix: 'sess' },
        { store, prefix: 'cache:sessions:' },
        { store, prefix: 7 },
      ]) {
        assert.throws(() => sessionStore(options as never), { code: 'ERR_OPTION' })
        assert.throws(() => koaStore(options as never), { code: 'ERR_OPTION' })
      }
    })
  })
}

describe('sessions in Redis', () => {
  it('stand under the keys and in the form that connect-redis gives them', async () => {
    const server = await startRedis()
    const store = createStore({ url: server.url, deadline: '1s' })
    try {
      const sessions = sessionStore({ store, ttl: '1h' })
      await sessions.set('abc_DEF-123', live({ userId: 'ann' }))
      const client = server.client()
      assert.equal(
        await client.get('sess:abc_DEF-123'),
        '{"cookie":{"originalMaxAge":null},"userId":"ann"}',
      )
      const left = await client.pttl('sess:abc_DEF-123')
      assert.ok(left > 3_595_000 && left <= 3_600_000, String(left))
    } finally {
      await store.close()
      await server.stop()
    }
  })

  it('may be kept in MessagePack', async () => {
    const server = await startRedis()
    const store = createStore({ url: server.url, serializer: msgpack, deadline: '1s' })
    try {
      const [sessions, others] = [sessionStore({ store }), koaStore({ store, prefix: 'koa:' })]
      const since = new Date()
      await sessions.set('a', live({ since }))
      await others.set('a', { since }, 5000)
      assert.deepEqual(await sessions.get('a'), live({ since }))
      assert.deepEqual(await others.get('a'), { since })
      assert.equal((await server.client().getBuffer('sess:a'))?.[0], 0x82)
    } finally {
      await store.close()
      await server.stop()
    }
  })
})

describe('the store for koa-session', () => {
  it('takes its time from maxAge, else from ttl', async () => {
    const store = createStore({ provider: 'embedded' })
    const sessions = koaStore({ store, ttl: '2h' })
    const left = async () => Math.round((await store.ttl('sess:a')) ?? 0)
    await sessions.set('a', {}, 90_000)
    assert.equal(await left(), 90)
    await sessions.set('a', {}, 'session')
    assert.equal(await left(), 7200)
    await sessions.set('a', {}, -5)
    assert.equal(await sessions.get('a'), undefined)
    await store.close()
  })
})

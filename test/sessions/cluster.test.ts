import assert from 'node:assert/strict'
import type { SessionData } from 'express-session'
import { after, before, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import { msgpack } from '../../lib/msgpack.ts'
import { sessionStore } from '../../middleware/express-session.ts'
import { sessionStore as koaStore } from '../../middleware/koa-session.ts'
import { type RedisTestCluster, startRedisCluster } from '../support/redis-cluster.ts'

describe('sessions in a Redis Cluster', function () {
  this.timeout(60_000)
  let cluster: RedisTestCluster
  let store: Store
  before(async () => {
    cluster = await startRedisCluster()
    store = createStore({ cluster: cluster.urls, serializer: msgpack, deadline: '1s' })
  })
  after(async () => {
    await store.close()
    await cluster.stop()
  })

  it('are listed, counted and cleared on every master', async () => {
    const sessions = sessionStore({ store })
    const ids = Array.from({ length: 60 }, (_, n) => `id-${n}`).sort()
    for (const id of ids)
      await sessions.set(id, { cookie: { originalMaxAge: null }, userId: id } as SessionData)
    await koaStore({ store, prefix: 'koa:' }).set('other', { visits: 1 }, 60_000)
    assert.equal(await sessions.length(), 60)
    assert.deepEqual((await sessions.ids())?.sort(), ids)
    assert.deepEqual((await sessions.all())?.map(({ userId }) => userId).sort(), ids)
    await sessions.clear()
    assert.deepEqual(await store.keys('*'), ['koa:other'])
  })

  it('count on from a number that was set', async () => {
    await store.set('count', 5)
    assert.equal(await store.incr('count'), 6)
  })
})

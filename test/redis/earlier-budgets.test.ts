import assert from 'node:assert/strict'
import { after, before, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import { rateLimit } from '../../middleware/express.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

describe('sliding budgets in the forms of earlier commits of this package', () => {
  let server: TestServer
  let store: Store
  before(async () => {
    server = await startRedis()
    store = createStore({ url: server.url, deadline: '1s' })
  })
  after(async () => {
    await store.close()
    await server.stop()
  })

  for (const [form, limit] of [
    ['times', 10],
    ['twelfths', 100],
  ] as const)
    it(`keep nobody out (${form})`, async () => {
      const redis = server.client()
      const key = `limit:{user~ann}:${form}:s60000`
      if (form === 'times') await redis.set(key, Buffer.alloc(6 * 4, 1), 'PX', 60_000)
      else await redis.hset(key, '29928', '100')
      const limits = [{ name: form, limit, window: '1m', key: 'user' }] as const
      const limiter = rateLimit({ limits: [...limits], store, onStoreError: 'error' })
      const { allowed, degraded } = await limiter.check('ann')
      assert.deepEqual([allowed, degraded], [true, false])
    })
})

import assert from 'node:assert/strict'
import { Redis } from 'ioredis'
import { after, before, describe, it } from 'mocha'
import { redisProvider } from '../../lib/providers/redis/provider.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

describe('a client handed in, on which its owner has begun a transaction', () => {
  let server: TestServer
  before(async () => {
    server = await startRedis()
  })
  after(() => server.stop())

  it('takes no word of it for the answer of a budget', async () => {
    const client = new Redis(server.url, { socketTimeout: 2000 })
    const { budgets } = redisProvider({ client })
    const rule = {
      key: 'limit:{a}:rule',
      algorithm: 'sliding',
      limit: 1,
      windowMs: 60_000,
    } as const
    await budgets.charge([{ ...rule, cost: 1 }])
    await client.multi({ pipeline: false })
    const unknown = { name: 'StoreError', reason: 'unavailable', outcome: 'unknown' }
    await assert.rejects(budgets.charge([{ ...rule, cost: 1 }]), unknown)
    await assert.rejects(budgets.peek([{ ...rule, cost: 1 }]), unknown)
    await assert.rejects(budgets.settle([{ ...rule, mark: 1, charged: 1, cost: 0 }]), unknown)
    await client.call('DISCARD')
    const [budget] = await budgets.peek([{ ...rule, cost: 1 }])
    assert.deepEqual([budget?.allowed, budget?.used], [false, 1])
    client.disconnect()
  })
})

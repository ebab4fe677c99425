import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { after, before, describe, it } from 'mocha'
import type { Budgets, Charge, Provider } from '../../lib/index.ts'
import { redisProvider } from '../../lib/providers/redis/provider.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

const hourMs = 3_600_000
const windowMs = 120

describe('budgets that a server left whose clock was an hour ahead', () => {
  let server: TestServer
  let provider: Provider
  let budgets: Budgets
  let redis: Redis
  let laterMs: number
  before(async () => {
    server = await startRedis()
    provider = redisProvider({ url: server.url })
    budgets = provider.budgets
    redis = server.client()
    const [seconds] = await redis.time()
    laterMs = Number(seconds) * 1000 + hourMs
  })
  after(async () => {
    await provider.close()
    await server.stop()
  })

  const twelfth = () => Math.floor(laterMs / (windowMs / 12))
  const left: Readonly<Record<string, readonly [Omit<Charge, 'key'>, () => Buffer]>> = {
    'exact times': [
      { algorithm: 'sliding', limit: 1, windowMs, cost: 1 },
      () => Buffer.concat([Buffer.from([1]), whole(laterMs * 1000, 7)]),
    ],
    'twelfths of a window': [
      { algorithm: 'sliding', limit: 30, windowMs, cost: 1 },
      () => Buffer.concat([Buffer.from([2]), whole(twelfth(), 6), Buffer.from([0]), whole(30, 7)]),
    ],
    'a counter': [{ algorithm: 'fixed', limit: 1, windowMs, cost: 1 }, () => Buffer.from('1')],
    'a level': [
      { algorithm: 'gcra', limit: 1, windowMs, cost: 1 },
      () => Buffer.concat([Buffer.from([3]), double(1), whole(laterMs * 1000, 7)]),
    ],
  }

  for (const [name, [rule, packed]] of Object.entries(left))
    it(`count for as long as is told, and no longer (${name})`, async () => {
      const charge = { ...rule, key: `limit:{a}:${name}` }
      await redis.set(charge.key, packed(), 'PXAT', laterMs + windowMs)
      const [found] = await budgets.peek([charge])
      assert.equal(found?.allowed, false)
      assert.ok(found.retryMs <= windowMs + windowMs / 12, `${found.retryMs}`)
      const [refused] = await budgets.charge([charge])
      assert.equal(refused?.allowed, false)
      await sleep(refused.retryMs + 5)
      const [passed] = await budgets.charge([charge])
      assert.equal(passed?.allowed, true)
    })
})

function whole(value: number, bytes: number): Buffer {
  const eight = Buffer.alloc(8)
  eight.writeBigUInt64BE(BigInt(value))
  return eight.subarray(8 - bytes)
}

function double(value: number): Buffer {
  const eight = Buffer.alloc(8)
  eight.writeDoubleBE(value)
  return eight
}

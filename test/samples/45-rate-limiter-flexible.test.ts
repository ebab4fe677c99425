import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import type { RateLimiterLike } from 'memoryware'
import { after, before, describe, it } from 'mocha'
import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible'
import {
  keptLimiterApp,
  paced,
  slidingLimiter,
} from '../../examples/samples/45-rate-limiter-flexible.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { onEachProvider } from './on-each.ts'
import { serve } from './served.ts'

describe('the sample 45-rate-limiter-flexible', () => {
  let server: TestServer
  before(async () => {
    server = await startRedis()
  })
  after(() => server.stop())

  const limits = { points: 2, duration: 60 }
  const limiters: readonly (readonly [string, () => RateLimiterLike])[] = [
    ['RateLimiterMemory', () => new RateLimiterMemory(limits)],
    ['RateLimiterRedis', () => new RateLimiterRedis({ ...limits, storeClient: server.client() })],
  ]
  for (const [name, make] of limiters) {
    it(`answers by the limits of a ${name}`, async () => {
      const { ask, close } = await serve(keptLimiterApp(make()))
      const answers = [await ask('GET', '/'), await ask('GET', '/'), await ask('GET', '/')]
      deepEqual(
        answers.map(({ status }) => status),
        [200, 200, 429],
      )
      match(String(answers[0]?.headers.get('ratelimit')), /^"2-per-1m";r=1;t=\d+$/)
      equal(answers[2]?.headers.get('content-type'), 'application/problem+json')
      await close()
    })
  }
})

onEachProvider('45-rate-limiter-flexible, the other way', ({ store }) => {
  it('is a limiter to the library', async () => {
    const limiter = slidingLimiter(await store())
    for (let time = 0; time < 5; time += 1) await limiter.consume('search')
    await rejects(limiter.consume('search'), { remainingPoints: 0, consumedPoints: 5 })
  })

  it('lets a call wait for its turn', async () => {
    const limiter = slidingLimiter(await store())
    let calls = 0
    const call = paced(limiter, async () => {
      calls += 1
      return calls
    })
    await Promise.all(Array.from({ length: 5 }, call))
    await rejects(limiter.consume('search'), { remainingPoints: 0 })
    equal(await call(), 6)
  })
})

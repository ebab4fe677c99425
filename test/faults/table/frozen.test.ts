import assert from 'node:assert/strict'
import { after, before, describe, it } from 'mocha'
import { holds } from '../../support/fault-table.ts'
import { startRedis, type TestServer } from '../../support/redis.ts'
import { breaks, type Contestants, contestants } from './contestants.ts'
import { pause } from './strikes.ts'

describe('fault table: a Redis that stands still', function () {
  this.timeout(60_000)
  let server: TestServer
  let all: Contestants<'express-session' | 'rate-limiter-flexible'>
  before(async () => {
    server = await startRedis()
    all = await contestants(server.url, ['express-session', 'rate-limiter-flexible'])
  })
  after(async () => {
    await all.stop()
    await server.stop()
  })

  for (const [fault, forMs, blow] of [
    ['SIGSTOP for 10 s', 10_000, () => ({ strike: server.freeze, clear: server.thaw })],
    ['CLIENT PAUSE for 3 s', 3000, () => pause(server.client(), 3000)],
  ] as const) {
    it(`${fault}: nobody waits above a second`, async () => {
      const counts = await all.under(fault, { ...blow(), forMs })
      for (const each of [counts.express, counts.koa]) {
        holds(each)
        assert.ok(each.degraded > forMs / 100)
      }
      // The second has an insurance in the process: it steps in only where the driver says no.
      breaks(counts['express-session'], 'hung')
      breaks(counts['rate-limiter-flexible'], 'hung')
    })
  }
})

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'mocha'
import { createStore, type Store } from '../../../lib/index.ts'
import { rateLimit } from '../../../middleware/express.ts'
import { eventually } from '../../support/eventually.ts'
import { holds } from '../../support/fault-table.ts'
import { startRedis, type TestServer } from '../../support/redis.ts'
import { breaks, type Contestants, contestants } from './contestants.ts'

const fault = 'kill -9, and a restart with AOF 1.2 s later'

describe(`fault table: ${fault}`, function () {
  this.timeout(60_000)
  let server: TestServer
  let store: Store
  let all: Contestants<'list-history'>
  before(async () => {
    server = await startRedis({ appendonly: true })
    store = createStore({ url: server.url, deadline: '1s' })
    all = await contestants(server.url, ['list-history'])
  })
  after(async () => {
    await all.stop()
    await store.close()
    await server.stop()
  })

  for (const run of [1, 2, 3, 4, 5]) {
    it(`loses and doubles nothing, and goes on counting (${run} of 5)`, async () => {
      const limits = [{ name: 'crash', limit: 100, window: '1h', key: 'global' }] as const
      const limiter = rateLimit({ store, limits })
      const counts = await all.under(`${fault} (${run})`, {
        async strike() {
          const { degraded } = await limiter.check('anyone')
          assert.equal(degraded, false)
          await server.kill()
        },
        clear: () => server.restart(),
        forMs: 1200,
      })
      for (const each of [counts.express, counts.koa]) {
        holds(each)
        assert.ok(each.degraded > 10)
      }
      breaks(counts['list-history'], 'hung')
      const { limits: found } = await eventually('it counts', () => limiter.peek('anyone'))
      assert.equal(found['crash']?.used, run)
    })
  }
})

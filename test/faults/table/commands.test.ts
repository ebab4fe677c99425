import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { after, before, describe, it } from 'mocha'
import { holds } from '../../support/fault-table.ts'
import { startRedis, type TestServer } from '../../support/redis.ts'
import { breaks, type Contestants, contestants } from './contestants.ts'
import { disconnectOthers, repeatedly } from './strikes.ts'

describe('fault table: commands of an operator, again and again', function () {
  this.timeout(60_000)
  let server: TestServer
  let admin: Redis
  let all: Contestants<'list-history' | 'express-rate-limit'>
  before(async () => {
    server = await startRedis()
    admin = server.client()
    await admin.ping()
    all = await contestants(server.url, ['list-history', 'express-rate-limit'])
  })
  after(async () => {
    await all.stop()
    await server.stop()
  })

  it('SCRIPT FLUSH: scripts are sent again, and all is served', async () => {
    const blow = repeatedly(() => admin.script('FLUSH'), 1)
    const counts = await all.under('SCRIPT FLUSH every ms for 3 s', { ...blow, forMs: 3000 })
    for (const each of [counts.express, counts.koa]) {
      holds(each)
      assert.equal(each.degraded, 0)
    }
    // It loads its scripts and calls them by digest: in between they are gone again.
    breaks(counts['express-rate-limit'], 'failed')
  })

  it('FLUSHALL: what is said before is gone by command, and all is served', async () => {
    const blow = repeatedly(() => admin.flushall(), 300)
    const counts = await all.under('FLUSHALL every 300 ms for 3 s', { ...blow, forMs: 3000 })
    for (const each of [counts.express, counts.koa]) {
      // Lost is what somebody has told Redis to forget. No peer fails: each begins anew, as ours do.
      holds({ ...each, lost: 0 })
      assert.equal(each.degraded, 0)
    }
  })

  it('CLIENT KILL of all: nothing is lost, doubled or late', async () => {
    const blow = repeatedly(() => disconnectOthers(admin), 3)
    // What becomes of a peer is chance, so it is struck for long.
    const counts = await all.under('CLIENT KILL of all every 3 ms for 9 s', {
      ...blow,
      forMs: 9000,
    })
    for (const each of [counts.express, counts.koa]) holds(each)
    // It sends again what was under way: some wait for long, and what had been carried out is doubled.
    const { hung, doubled } = counts['list-history']
    assert.ok(hung + doubled > 0)
  })
})

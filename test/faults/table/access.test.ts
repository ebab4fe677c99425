import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Redis } from 'ioredis'
import { after, before, describe, it } from 'mocha'
import { createStore } from '../../../lib/index.ts'
import { rateLimit } from '../../../middleware/express.ts'
import { holds } from '../../support/fault-table.ts'
import { startRedis, type TestServer } from '../../support/redis.ts'
import { breaks, type Contestants, contestants } from './contestants.ts'
import { lostRights, noRoom, password } from './strikes.ts'

describe('fault table: a Redis that lets nobody in', function () {
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

  for (const [fault, blow, how, said] of [
    ['NOAUTH: a new password for 3 s', () => password(admin), 'hung', 1],
    ['NOPERM: no right to write for 3 s', () => lostRights(admin, '-@write'), 'failed', 1],
    ['NOPERM half way: no RPUSH for 3 s', () => lostRights(admin, '-rpush'), 'failed', 0],
    // The driver does not tell why: the first command of a connection is the one that is refused.
    ['maxclients: no connection left for 3 s', () => noRoom(admin), 'hung', 0],
  ] as const) {
    it(`${fault}: memory, limits and cache go on, and a refusal is said once`, async () => {
      const ours = await witness(server.url)
      const counts = await all.under(fault, { ...blow(), forMs: 3000 })
      const { refusals, connections } = await ours.stop()
      for (const each of [counts.express, counts.koa]) {
        holds(each)
        assert.ok(each.degraded > 30)
      }
      breaks(counts['list-history'], how)
      assert.equal(refusals.length, said, refusals.join())
      // The driver tries again twice a second, after some that are quicker.
      assert.ok(connections <= 20, `${connections} errors of connections told`)
    })
  }
})

interface Told {
  readonly code?: string
  readonly message?: string
  readonly during?: string
}

/** A store in this process that is used by two scripts all the time, and what it says of refusals. */
async function witness(url: string) {
  const refusals: string[] = []
  let connections = 0
  const notices = (event: unknown) => {
    const { code, message } = event as Told
    if (code === 'MEMORYWARE_REDIS_REFUSES') refusals.push(`${message}`)
  }
  const errors = (event: unknown) => {
    if ((event as Told).during === 'connection') connections += 1
  }
  subscribe('memoryware:notice', notices)
  subscribe('memoryware:error', errors)
  const store = createStore({ url })
  const limiter = rateLimit({
    store,
    limits: [{ name: 'witness', limit: 1_000_000, key: 'user' }],
  })
  const use = () => Promise.allSettled([limiter.check('anyone'), limiter.block('another', '1s')])
  await use()
  const timer = setInterval(use, 100)
  return {
    async stop() {
      clearInterval(timer)
      await store.close()
      unsubscribe('memoryware:notice', notices)
      unsubscribe('memoryware:error', errors)
      return { refusals, connections }
    },
  }
}

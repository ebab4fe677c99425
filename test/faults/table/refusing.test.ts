import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { after, before, describe, it } from 'mocha'
import { holds } from '../../support/fault-table.ts'
import { startRedis, type TestServer } from '../../support/redis.ts'
import { breaks, type Contestants, contestants } from './contestants.ts'
import { demotion, endlessScript, failedSnapshot, slowLoading } from './strikes.ts'

describe('fault table: a Redis that answers, and refuses', function () {
  this.timeout(60_000)
  let server: TestServer
  let admin: Redis
  let all: Contestants<'list-history' | 'express-session'>
  before(async () => {
    server = await startRedis({ args: ['--busy-reply-threshold', '50'] })
    admin = server.client()
    await admin.ping()
    all = await contestants(server.url, ['list-history', 'express-session'])
  })
  after(async () => {
    await all.stop()
    await server.stop()
  })

  for (const [fault, blow, how] of [
    ['BUSY: a script without end for 3 s', () => endlessScript(server, admin), 'failed'],
    // Sessions can be read: the answer is given before it is known that the session is not stored.
    ['MISCONF: no snapshot can be written for 3 s', () => failedSnapshot(server, admin), 'lost'],
    ['READONLY: made a replica for 3 s', () => demotion(admin), 'lost'],
  ] as const) {
    it(`${fault}: memory, limits and cache go on`, async () => {
      const counts = await all.under(fault, { ...blow(), forMs: 3000 })
      for (const each of [counts.express, counts.koa]) {
        holds(each)
        assert.ok(each.degraded > 30)
      }
      breaks(counts['list-history'], 'failed')
      breaks(counts['express-session'], how)
    })
  }
})

describe('fault table: a Redis that loads its data', function () {
  this.timeout(60_000)
  const fault = 'LOADING: its data for 3 s'
  let server: TestServer
  let all: Contestants<'list-history' | 'express-session'>
  before(async () => {
    server = await startRedis({ appendonly: true, args: slowLoading })
    all = await contestants(server.url, ['list-history', 'express-session'])
    await fill(server)
  })
  after(async () => {
    await all.stop()
    await server.stop()
  })

  it(`${fault}: memory, limits and cache go on`, async () => {
    let loading: Promise<void> | undefined
    const counts = await all.under(fault, {
      async strike() {
        await server.kill()
        loading = server.restart()
      },
      clear: () => loading,
      forMs: 2000,
    })
    for (const each of [counts.express, counts.koa]) {
      holds(each)
      assert.ok(each.degraded > 30)
    }
    for (const peer of ['list-history', 'express-session'] as const) breaks(counts[peer], 'hung')
  })
})

/**
 * Much that is small, then one value that is large: by what it has read in the first second, the
 * server says that it will take a minute, and a driver that believes it comes late.
 */
async function fill(server: TestServer): Promise<void> {
  const client = server.client()
  const batch = client.pipeline()
  for (let at = 0; at < 18_000; at += 1) batch.set(`small:${at}`, 'x')
  await batch.exec()
  await client.set('large', Buffer.alloc(40 * 1024 * 1024, 'x'))
  client.disconnect()
}

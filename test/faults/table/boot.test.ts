import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import express from 'express'
import { rateLimit } from 'express-rate-limit'
import { Redis } from 'ioredis'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { type RedisReply, RedisStore } from 'rate-limit-redis'
import { createStore, type Store } from '../../../lib/index.ts'
import { type App, frameworks, listen } from '../../support/apps.ts'
import { eventually } from '../../support/eventually.ts'
import { holds } from '../../support/fault-table.ts'
import { startRedis, type TestServer } from '../../support/redis.ts'
import { breaks, type Contestants, contestants } from './contestants.ts'

const away = 'down at boot, up 1.5 s later'

describe(`fault table: ${away}`, function () {
  this.timeout(60_000)
  let server: TestServer
  let all: Contestants<'list-history'> | undefined
  let store: Store | undefined
  let app: App | undefined
  beforeEach(async () => {
    server = await startRedis()
    await server.kill()
  })
  afterEach(async () => {
    await app?.close()
    await store?.close()
    await all?.stop()
    await server.stop()
    app = store = all = undefined
  })

  it('starts degraded, and is well within 2 s', async () => {
    all = await contestants(server.url, ['list-history'])
    const counts = await all.under(away, {
      strike: () => {}, // It has fallen before they began.
      clear: () => server.restart(),
      forMs: 1500,
    })
    for (const each of [counts.express, counts.koa]) {
      holds(each)
      assert.ok(each.degraded > 30)
    }
    breaks(counts['list-history'], 'hung')
  })

  for (const framework of frameworks) {
    it(`says so once, and enforces a limit of 5 within 2 s (${framework.name})`, async () => {
      const notices: string[] = []
      const listener = (event: unknown) => void notices.push((event as { code: string }).code)
      subscribe('memoryware:notice', listener)
      store = createStore({ url: server.url })
      const limits = [{ limit: 5, key: 'global' }] as const
      app = await framework.serve({ limit: { store, limits } }, ({ rateLimit, send }) =>
        send(200, { degraded: rateLimit?.degraded }),
      )
      const { url } = app
      // Some of them more than the breaker bears.
      const meanwhile = await statuses(url, 12)
      await server.restart()
      const healed = async () => ((await store?.exists('any')) === undefined ? undefined : true)
      await eventually('it is well', healed, { withinMs: 2000 })
      const after = await statuses(url, 50)
      unsubscribe('memoryware:notice', listener)
      // What was counted in the process meanwhile is not added.
      assert.deepEqual([meanwhile.passed, after.passed], [5, 5])
      assert.deepEqual([meanwhile.refused, after.refused], [7, 45])
      assert.deepEqual(notices, ['MEMORYWARE_REDIS_AWAY'])
    })
  }

  it('a limiter of express-rate-limit that began so never counts again', async () => {
    // Fails fast, as ours does: with the driver's defaults the requests hang instead, as in the row above.
    const client = new Redis(server.url, { enableOfflineQueue: false, maxRetriesPerRequest: 0 })
    client.on('error', () => {})
    const peer = express()
    const sendCommand = (command: string, ...args: string[]) =>
      client.call(command, ...args) as Promise<RedisReply>
    const quiet = { error: () => {}, warn: () => {} }
    const store = new RedisStore({ sendCommand })
    peer.use(
      rateLimit({ limit: 5, passOnStoreError: true, store, logger: quiet }),
      (_req, res) => void res.send('ok'),
    )
    app = await listen(peer)
    await server.restart()
    await eventually(
      'the client is well',
      async () => (await client.ping()) === 'PONG' || undefined,
    )
    const { passed } = await statuses(app.url, 50)
    client.disconnect()
    assert.equal(passed, 50)
  })
})

const absent = 'db: 99, which is not there'

describe(`fault table: ${absent}`, function () {
  this.timeout(60_000)
  let server: TestServer
  let all: Contestants<'list-history' | 'express-session'>
  before(async () => {
    server = await startRedis()
    all = await contestants(`${server.url}/99`, ['list-history', 'express-session'])
  })
  after(async () => {
    await all.stop()
    await server.stop()
  })

  it('goes on in the process, and writes nothing to database 0', async () => {
    const nothing = () => {}
    const strike = { strike: nothing, clear: nothing, forMs: 2000, watchMs: 0 }
    const { express, koa } = await all.under(absent, strike)
    for (const { served, failed, hung, degraded } of [express, koa]) {
      assert.deepEqual([served, failed, hung], [0, 0, 0])
      assert.ok(degraded > 30)
    }
    const written = await server.client().keys('*')
    const theirs = /^(history|myapp):/
    assert.deepEqual(
      written.filter((key) => !theirs.test(key)),
      [],
    )
    // The peers say that all is well, and have mixed theirs with that of who owns database 0.
    for (const prefix of ['history:', 'myapp:'])
      assert.ok(written.some((key) => key.startsWith(prefix)))
  })
})

/** How many of so many requests, one after the other, pass and are refused. */
async function statuses(url: string, count: number) {
  let [passed, refused] = [0, 0]
  for (let at = 0; at < count; at += 1) {
    const { status } = await fetch(url)
    if (status === 200) passed += 1
    if (status === 429) refused += 1
  }
  return { passed, refused }
}

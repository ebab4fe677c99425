import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import {
  claim,
  ear,
  finish,
  follow,
  lead,
  minuteMs,
  pieces,
  place,
  seen,
} from '../../contract/filling.ts'
import { fresh } from '../../contract/names.ts'
import { createStore } from '../../lib/index.ts'
import { fillKey, piecesKey, purgeKey } from '../../lib/keys.ts'
import type { Provider } from '../../lib/ports/provider.ts'
import { redisProvider } from '../../lib/providers/redis/provider.ts'
import { eventually } from '../support/eventually.ts'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

describe('purges and fills whose connection is lost', function () {
  this.timeout(40_000)
  let server: TestServer
  let plain: Redis
  let proxy: FaultProxy
  let provider: Provider
  let other: Provider
  const open = () => other
  before(async () => {
    server = await startRedis()
    plain = server.client()
    other = redisProvider({ url: server.url })
    // So that the server knows the scripts: else a second round trip does what is asked.
    const warm = place()
    const token = await lead(open, warm)
    await other.fills.write(warm, token, pieces(1), minuteMs)
    await finish(open, warm, token)
    await other.entries.purge([fresh('mark')], false)
  })
  beforeEach(async () => {
    proxy = await startFaultProxy(server)
    provider = redisProvider({ url: proxy.url })
    await Promise.all([provider.get('any'), other.get('any')])
  })
  afterEach(async () => {
    proxy.clear()
    await provider.close()
    await proxy.close()
  })
  after(async () => {
    await other.close()
    await server.stop()
  })

  /** Sends what the server does, while its first reply never arrives. */
  async function twice<T>(send: () => Promise<T>, isDone: () => Promise<boolean>): Promise<T> {
    proxy.set({ delayMs: 60_000 })
    const sent = send()
    await eventually('the server has done it', async () => (await isDone()) || undefined)
    proxy.clear()
    proxy.reset()
    return sent
  }

  it('are claimed once, written once and ended once, though each is sent twice', async () => {
    const at = place()
    const lock = fillKey(at.key, at.variant)
    const own = claim()
    const claimed = await twice(
      () => provider.fills.claim(at, own),
      async () => (await plain.exists(lock)) === 1,
    )
    assert.deepEqual(
      [claimed.kind, String(claimed.since)],
      ['leading', await plain.hget(lock, 'since')],
    )
    assert.equal(await other.fills.renew(at, own.token, minuteMs), 'held')
    await follow(open, at)
    const listener = ear()
    const leave = await other.fills.watch(at, own.token, listener)
    const stream = piecesKey(at.key, own.token)
    const written = await twice(
      () => provider.fills.write(at, own.token, pieces(1), minuteMs),
      async () => (await plain.xlen(stream)) === 1,
    )
    assert.equal(written, true)
    await twice(
      () => finish(() => provider, at, own.token),
      async () => (await plain.exists(lock)) === 0,
    )
    assert.deepEqual(await seen(open, at, own.token), ['kept', '1 up to 1'])
    await eventually('the end is heard', async () => listener.heard.includes('kept') || undefined)
    assert.deepEqual(listener.heard, ['1 up to 1', 'kept'])
    await leave()
  })

  it('purge though the first reply was lost', async () => {
    const mark = fresh('mark')
    const before = await other.entries.clock()
    await twice(
      () => provider.entries.purge([mark], false),
      async () => (await plain.exists(purgeKey(mark))) === 1,
    )
    const [purge] = await other.entries.purges([mark])
    assert.ok(purge && purge.hard > before && purge.soft === 0)
  })

  it('are seen by a look where a watch has missed them', async () => {
    const at = place()
    const token = await lead(open, at)
    await follow(open, at)
    const listener = ear()
    const leave = await provider.fills.watch(at, token, listener)
    await other.fills.write(at, token, pieces(1), minuteMs)
    await eventually('one is heard', async () => listener.heard.length === 1 || undefined)
    proxy.set({ refuse: true })
    proxy.reset()
    await other.fills.write(at, token, pieces(2), minuteMs)
    proxy.clear()
    await eventually('it listens again', async () => {
      await plain.publish(piecesKey(at.key, token), 'b3|again')
      return listener.heard.length > 1 || undefined
    })
    assert.deepEqual(listener.heard.slice(0, 2), ['1 up to 1', '3 again'])
    assert.deepEqual(await seen(() => provider, at, token), ['running', '1 up to 1', '2 up to 2'])
    await leave()
  })

  it('fail in time while the store does not answer', async () => {
    const store = createStore({ url: proxy.url, deadline: '40ms' })
    await eventually('the store is there', () => store.get('any').then(() => true))
    proxy.set({ stall: true })
    const at = place()
    for (const attempt of [
      () => store.fills.claim(at, claim()),
      () => store.fills.renew(at, 'token', minuteMs),
      () => store.fills.write(at, 'token', pieces(1), minuteMs),
      () => store.fills.look(at, 'token', 0),
      () => store.entries.find(at.key, '', ['t:a']),
      () => store.entries.purge(['t:a'], false),
      () => store.entries.clock(),
    ])
      await assert.rejects(attempt(), { name: 'StoreError' })
    assert.equal(store.degraded, true)
    proxy.clear()
    await store.close()
  })
})

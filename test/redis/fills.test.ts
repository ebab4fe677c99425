import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import { Redis } from 'ioredis'
import { after, before, describe, it } from 'mocha'
import { failsWith } from '../../contract/expectations.ts'
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
import { fillKey, piecesKey } from '../../lib/keys.ts'
import type { FillPlace } from '../../lib/ports/fills.ts'
import type { Provider } from '../../lib/ports/provider.ts'
import { redisProvider } from '../../lib/providers/redis/provider.ts'
import { type CountingProxy, startCountingProxy } from '../support/counting-proxy.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

const lockOf = ({ key, variant }: FillPlace) => fillKey(key, variant)

describe('fills on Redis', () => {
  let server: TestServer
  let proxy: CountingProxy
  let plain: Redis
  let provider: Provider
  let other: Provider
  const open = () => provider
  before(async () => {
    server = await startRedis()
    plain = server.client()
    proxy = await startCountingProxy(server)
    provider = redisProvider({ url: proxy.url })
    other = redisProvider({ url: server.url })
    await Promise.all([provider.get('any'), other.get('any')])
  })
  after(async () => {
    await Promise.all([provider.close(), other.close()])
    await proxy.close()
    await server.stop()
  })

  it('cost one command a step, and one round trip a look', async () => {
    const warm = place()
    const first = await lead(open, warm)
    await open().fills.renew(warm, first, minuteMs)
    await open().fills.write(warm, first, pieces(1), minuteMs)
    await finish(open, warm, first)
    proxy.reset()
    const at = place()
    const token = await lead(open, at)
    await open().fills.renew(at, token, minuteMs)
    await open().fills.write(at, token, pieces(1), minuteMs)
    await finish(open, at, token)
    assert.deepEqual(proxy.counts, { EVALSHA: 4 })
    proxy.reset()
    assert.deepEqual(await seen(open, at, token), ['kept', '1 up to 1'])
    assert.deepEqual([proxy.counts, proxy.roundTrips], [{ HMGET: 1, XRANGE: 1 }, 1])
  })

  it('leave nothing but a lease where nobody waits, and nothing after their end', async () => {
    for (const how of ['kept', 'failed'] as const) {
      const at = place()
      const token = await lead(open, at)
      await open().fills.renew(at, token, minuteMs)
      assert.deepEqual(await plain.keys(`${at.key}*`), [lockOf(at)])
      const left = await plain.pttl(lockOf(at))
      assert.ok(left > 0 && left <= minuteMs, `${left}`)
      await finish(open, at, token, how)
      assert.deepEqual(await plain.keys(`${at.key}*`), [])
    }
  })

  it('leave no key without a time to live', async () => {
    const at = place()
    const token = await lead(open, at)
    await follow(open, at)
    await open().fills.write(at, token, pieces(1), minuteMs)
    const check = async (count: number) => {
      const names = await plain.keys(`${at.key}*`)
      assert.equal(names.length, count)
      for (const key of names) {
        const left = await plain.pttl(key)
        assert.ok(left > 0 && left <= minuteMs, `${key}: ${left}`)
      }
    }
    await check(2)
    await finish(open, at, token, 'refused')
    await check(2)
  })

  it('are made by one of two processes, and followed by the other', async () => {
    const at = place()
    const claims = Array.from({ length: 50 }, () => claim())
    const both = [provider, other]
    const found = await Promise.all(
      claims.map((each, number) => both[number % 2]?.fills.claim(at, each)),
    )
    assert.equal(found.filter((each) => each?.kind === 'leading').length, 1)
    const token = claims[found.findIndex((each) => each?.kind === 'leading')]?.token ?? ''
    const listener = ear()
    const leave = await other.fills.watch(at, token, listener)
    await provider.fills.write(at, token, pieces(1), minuteMs)
    await finish(open, at, token)
    await eventually('the end is heard', async () => listener.heard.length === 2 || undefined)
    assert.deepEqual(listener.heard, ['1 up to 1', 'kept'])
    await leave()
  })

  it('tell their runner once, however many wait', async () => {
    const heard: string[] = []
    const own = claim()
    const leave = await other.fills.onWatched(own.runner, (token) => heard.push(token))
    const at = place()
    await provider.fills.claim(at, own)
    for (let count = 0; count < 5; count += 1) await follow(open, at)
    await provider.bus?.publish(own.runner, Buffer.from('last'))
    await eventually('all is heard', async () => heard.includes('last') || undefined)
    assert.deepEqual(heard, [own.token, 'last'])
    await leave()
  })

  it('go on after the scripts were flushed', async () => {
    const at = place()
    const flush = () => plain.script('FLUSH')
    await flush()
    const token = await lead(open, at)
    await flush()
    assert.equal(await open().fills.renew(at, token, minuteMs), 'held')
    await flush()
    assert.equal(await open().fills.write(at, token, pieces(1), minuteMs), true)
    await flush()
    await finish(open, at, token)
    assert.deepEqual(await seen(open, at, token), ['kept', '1 up to 1'])
  })

  it('are followed over a client that puts a prefix before its keys', async () => {
    const client = new Redis(server.url, { keyPrefix: 'mine:' })
    const prefixed = redisProvider({ client })
    const at = place()
    const token = await lead(() => prefixed, at)
    const listener = ear()
    const leave = await prefixed.fills.watch(at, token, listener)
    await prefixed.fills.write(at, token, pieces(1), minuteMs)
    await eventually('it is heard', async () => listener.heard.length > 0 || undefined)
    assert.equal(await plain.exists(`mine:${lockOf(at)}`), 1)
    await leave()
    await prefixed.close()
    client.disconnect()
  })

  it('keep the bytes off the tracing channel of the driver', async () => {
    const canary = 'canary-51f7'
    const traced: string[] = []
    const listen = (event: unknown) => traced.push(inspect(event, { depth: 9 }))
    const channels = ['command', 'batch', 'pipeline'].map((name) => `tracing:ioredis:${name}:start`)
    for (const name of channels) subscribe(name, listen)
    const at = place()
    const token = await lead(open, at)
    await open().fills.write(at, token, pieces(1, canary), minuteMs)
    const bytes = Buffer.from(canary)
    const entry = { head: bytes, body: bytes }
    const own = { fill: { variant: '', token }, ttlMs: minuteMs, maxVariants: 4 }
    assert.ok(await open().entries.keep(at.key, { vary: [], variant: '', entry, ...own }))
    assert.ok(await open().entries.amend(at.key, '', bytes, minuteMs))
    for (const name of channels) unsubscribe(name, listen)
    assert.deepEqual(await seen(open, at, token), ['running', `1 ${canary}`])
    assert.ok(traced.length >= 4, 'the channel is listened to')
    assert.deepEqual(
      traced.filter((text) => text.includes(canary)),
      [],
    )
  })
})

describe('fills on Redis where something else stands', () => {
  let server: TestServer
  let plain: Redis
  let provider: Provider
  const open = () => provider
  before(async () => {
    server = await startRedis()
    plain = server.client()
    provider = redisProvider({ url: server.url })
    await provider.get('any')
  })
  after(async () => {
    await provider.close()
    await server.stop()
  })

  it('are corrupt under a value in the place of their lease', async () => {
    const at = place()
    await plain.set(lockOf(at), 'foreign')
    const entry = { head: Buffer.from('h'), body: Buffer.from('b') }
    const page = { vary: [], variant: '', entry, ttlMs: minuteMs, maxVariants: 4 }
    for (const attempt of [
      () => open().fills.claim(at, claim()),
      () => open().fills.renew(at, 'token', minuteMs),
      () => open().fills.write(at, 'token', pieces(1), minuteMs),
      () => finish(open, at, 'token'),
      () => open().fills.look(at, 'token', 0),
      () => open().entries.keep(at.key, { ...page, fill: { variant: '', token: 'token' } }),
    ])
      await failsWith('corrupt', attempt())
    assert.equal(await plain.get(lockOf(at)), 'foreign')
    assert.equal((await open().entries.find(at.key, '', [])).entry, undefined)
  })

  for (const [what, fields] of [
    ['no time', { token: 'a', runner: 'r' }],
    ['a time that is none', { token: 'a', runner: 'r', since: 'soon' }],
    ['an end that is none', { token: 'a', runner: 'r', since: '1', how: 'gone' }],
  ] as const)
    it(`are corrupt where their lease has ${what}, until it lapses`, async () => {
      const at = place()
      await plain.hset(lockOf(at), fields)
      await failsWith('corrupt', open().fills.claim(at, claim({ leaseMs: 40 })))
      await eventually('it is free', async () => {
        const found = await open()
          .fills.claim(at, claim())
          .catch(() => undefined)
        return found?.kind === 'leading' || undefined
      })
    })

  it('lapse where the lease was left without an end', async () => {
    const at = place()
    const token = await lead(open, at)
    await plain.persist(lockOf(at))
    await open().fills.claim(at, claim({ leaseMs: 40 }))
    await eventually('it is free', async () => {
      const found = await open().fills.claim(at, claim())
      return found.kind === 'leading' || undefined
    })
    assert.equal(await open().fills.renew(at, token, minuteMs), 'lost')
  })

  it('are taken where a hash of somebody else names nobody', async () => {
    const at = place()
    await plain.hset(lockOf(at), { foreign: '1' })
    await lead(open, at)
    assert.equal(await plain.hexists(lockOf(at), 'foreign'), 0)
  })

  it('end all the same where a value stands in the place of their pieces', async () => {
    const at = place()
    const token = await lead(open, at)
    await follow(open, at)
    await plain.set(piecesKey(at.key, token), 'foreign')
    await failsWith('corrupt', open().fills.write(at, token, pieces(1), minuteMs))
    await failsWith('corrupt', open().fills.look(at, token, 0))
    const listener = ear()
    const leave = await open().fills.watch(at, token, listener)
    await failsWith('corrupt', finish(open, at, token, 'failed'))
    await eventually('the end is heard', async () => listener.heard.length > 0 || undefined)
    assert.deepEqual(listener.heard, ['failed'])
    await lead(open, at)
    await leave()
  })

  it('tell nobody of messages that say nothing', async () => {
    const at = place()
    const token = await lead(open, at)
    const listener = ear()
    const leave = await open().fills.watch(at, token, listener)
    const channel = piecesKey(at.key, token)
    for (const message of ['', 'e', 'egone', 'ekept and more', 'b|', 'bx|1', 'x1|1', 'kept'])
      await plain.publish(channel, message)
    await plain.publish(channel, 'erefused')
    await eventually(
      'the end is heard',
      async () => listener.heard.includes('refused') || undefined,
    )
    assert.deepEqual(listener.heard, ['refused'])
    await leave()
  })
})

describe('fills of a user with too few rights', () => {
  let server: TestServer
  let provider: Provider
  const open = () => provider
  before(async () => {
    server = await startRedis()
    await server.client().call('ACL', 'SETUSER', 'few', 'on', '>secret', '~*', '+@all')
    const { host, port } = server
    provider = redisProvider({ host, port, username: 'few', password: 'secret' })
  })
  after(async () => {
    await provider.close()
    await server.stop()
  })

  it('go on where it may not publish', async () => {
    const at = place()
    const token = await lead(open, at)
    await follow(open, at)
    assert.equal(await open().fills.renew(at, token, minuteMs), 'watched')
    assert.equal(await open().fills.write(at, token, pieces(1), minuteMs), true)
    await finish(open, at, token)
    assert.deepEqual(await seen(open, at, token), ['kept', '1 up to 1'])
  })

  it('are free again where pexpire was refused half way', async () => {
    const at = place()
    const admin = server.client()
    await admin.call('ACL', 'SETUSER', 'few', '-pexpire')
    await failsWith('unavailable', open().fills.claim(at, claim()))
    await admin.call('ACL', 'SETUSER', 'few', '+pexpire')
    await open().fills.claim(at, claim({ leaseMs: 40 }))
    await eventually('it is free', async () => {
      const found = await open().fills.claim(at, claim())
      return found.kind === 'leading' || undefined
    })
  })
})

import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import { after, before, beforeEach, describe, it } from 'mocha'
import { batch, batchesOf, begin, claim, end, take, write } from '../../contract/answering.ts'
import { bounds, everything, message, minuteMs, session } from '../../contract/conversation.ts'
import { failsWith } from '../../contract/expectations.ts'
import { fresh } from '../../contract/names.ts'
import type { SessionKeys } from '../../lib/keys.ts'
import type { Provider } from '../../lib/ports/provider.ts'
import type { TurnHold } from '../../lib/ports/turns.ts'
import { redisProvider } from '../../lib/providers/redis/provider.ts'
import { type CountingProxy, startCountingProxy } from '../support/counting-proxy.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { countWrites } from '../support/socket-writes.ts'

describe('turns on Redis', () => {
  let server: TestServer
  let proxy: CountingProxy
  let provider: Provider
  let other: Provider
  let keys: SessionKeys
  const open = () => provider
  before(async () => {
    server = await startRedis()
    proxy = await startCountingProxy(server)
    provider = redisProvider({ url: proxy.url })
    other = redisProvider({ url: server.url })
    await provider.get('any')
    await other.get('any')
  })
  beforeEach(() => {
    keys = session()
  })
  after(async () => {
    await Promise.all([provider.close(), other.close()])
    await proxy.close()
    await server.stop()
  })

  it('begin with the newest messages in one round trip, and cost one command a write', async () => {
    const warm = session()
    await end(open, warm, await take(open, warm))
    await write(open, warm, { turn: 'q', token: 'none' })
    proxy.reset()
    const hold = await take(open, keys)
    assert.deepEqual(proxy.counts, { EVALSHA: 1, LRANGE: 1 })
    assert.equal(proxy.roundTrips, 1)
    proxy.reset()
    await write(open, keys, hold, batch(1))
    await end(open, keys, hold)
    assert.deepEqual(proxy.counts, { EVALSHA: 2 })
  })

  it('leave in a write for every sixteen, so that Redis begins with the first', async () => {
    const sessions = Array.from({ length: 20 }, () => session())
    const writes = countWrites(proxy.port)
    const holds = await Promise.all(sessions.map((each) => take(open, each)))
    const begun = writes.count
    await Promise.all(sessions.map((each, at) => end(open, each, holds[at] as TurnHold)))
    writes.stop()
    assert.deepEqual([begun, writes.count - begun], [2, 2])
  })

  it('read with a time to live in one round trip and two commands', async () => {
    await take(open, keys)
    const range = { ...everything, ttlMs: minuteMs }
    await provider.history.read(keys, range)
    proxy.reset()
    await provider.history.read(keys, range)
    assert.deepEqual(proxy.counts, { EVALSHA: 1, LRANGE: 1 })
    assert.equal(proxy.roundTrips, 1)
  })

  it('go on after the scripts were flushed', async () => {
    const hold = await take(open, keys)
    const flush = () => server.client().script('FLUSH')
    await flush()
    assert.equal(await write(open, keys, hold, batch(1)), 'written')
    await flush()
    assert.equal((await begin(open, keys, { question: message('r') })).kind, 'busy')
    await flush()
    const { entries } = await provider.history.read(keys, { ...everything, ttlMs: minuteMs })
    assert.equal(entries.length, 1)
    await flush()
    assert.equal((await end(open, keys, hold)).kind, 'ended')
  })

  it('leave no key without a time to live, and renew that of the state', async () => {
    const plain = server.client()
    const state = `${keys.session}:state`
    await plain.hset(state, 'step', '1')
    const hold = await take(open, keys)
    await write(open, keys, hold, batch(1))
    await end(open, keys, hold)
    const names = [keys.index, ...(await plain.keys(`${keys.session}*`))]
    assert.equal(names.length, 5)
    for (const key of names) {
      const left = await plain.pttl(key)
      assert.ok(left > 0 && left <= minuteMs, `${key}: ${left}`)
    }
    for (const renewal of [
      () => provider.history.append(keys, [], bounds({ ttlMs: 9 * minuteMs })),
      () => provider.history.read(keys, { ...everything, ttlMs: 12 * minuteMs }),
      () => begin(open, keys, { bounds: { ttlMs: 15 * minuteMs } }),
      async () => {
        const asked = await take(open, keys, { question: message('r') })
        await end(open, keys, asked, [], { bounds: { ttlMs: 18 * minuteMs } })
      },
    ]) {
      const before = await plain.pttl(state)
      await renewal()
      assert.ok((await plain.pttl(state)) > before + 2 * minuteMs, 'the state is renewed')
    }
  })

  it('write nothing while their owner is being forgotten', async () => {
    const hold = await take(open, keys)
    const before = await provider.history.read(keys, everything)
    const plain = server.client()
    await plain.set(keys.gone, '1', 'PX', minuteMs)
    const forgotten = { kind: 'forgotten' }
    assert.deepEqual(await begin(open, keys, { question: message('r') }), forgotten)
    assert.deepEqual(await end(open, keys, hold), forgotten)
    const entries = [message('b')]
    assert.deepEqual(await provider.history.append(keys, entries, bounds()), forgotten)
    assert.deepEqual(await provider.history.read(keys, everything), before)
    await plain.del(keys.gone)
    assert.equal((await end(open, keys, hold)).kind, 'ended')
  })

  it('publish nothing while nobody watches', async () => {
    const heard: string[] = []
    const plain = server.client()
    await plain.subscribe(`${keys.session}:t:q`)
    plain.on('message', (_, text: string) => heard.push(text))
    const hold = await take(open, keys)
    await write(open, keys, hold, batch(1))
    await provider.turns.look(keys, 'q', 0, 1)
    await eventually('the watch is over', async () => {
      const [until, [seconds, micros]] = await Promise.all([
        server.client().hget(keys.session, 'watched'),
        server.client().time(),
      ])
      return Number(seconds) * 1000 + Number(micros) / 1000 > Number(until) + 1 || undefined
    })
    await write(open, keys, hold, batch(2))
    await provider.turns.look(keys, 'q', 0, minuteMs)
    await write(open, keys, hold, batch(3))
    await eventually('one is heard', async () => heard.length > 0 || undefined)
    assert.deepEqual(heard, ['b3|up to 3'])
  })

  it('run one by one over two processes, and are stopped by the other', async () => {
    const both = [provider, other]
    const asks = Array.from({ length: 50 }, (_, at) => {
      const one = both[at % 2] ?? provider
      return begin(() => one, keys, { question: message(`q${at}`) })
    })
    const kinds = (await Promise.all(asks)).map(({ kind }) => kind)
    assert.equal(kinds.filter((kind) => kind === 'begun').length, 1)
    assert.equal(kinds.filter((kind) => kind === 'busy').length, 49)

    const away = session()
    const runner = fresh('runner')
    const stopped: string[] = []
    const leave = await provider.turns.onStop(runner, (token) => stopped.push(token))
    const asked = claim({ runner })
    await take(open, away, { claim: asked })
    await other.turns.stop(away, undefined)
    await eventually('it is told', async () => stopped.length > 0 || undefined)
    assert.deepEqual(stopped, [asked.token])
    await leave()
  })

  it('are ended by one of two processes', async () => {
    const hold = await take(open, keys)
    const ends = await Promise.all(
      [provider, other].map((one, at) => end(() => one, keys, hold, [message(`a${at}`, 'a')])),
    )
    assert.deepEqual(ends.map(({ kind }) => kind).sort(), ['ended', 'lost'])
  })

  it('drop what an eviction has left of their session', async () => {
    const hold = await take(open, keys)
    await server.client().del(`${keys.session}:m`)
    assert.equal((await end(open, keys, hold)).kind, 'lost')
    const begun = await begin(open, keys)
    assert.equal(begun.kind === 'begun' && begun.again, false)
    assert.equal((await provider.history.read(keys, everything)).entries.length, 1)
  })

  for (const [what, write] of [
    ['a turn', () => begin(open, keys)],
    ['an append', () => provider.history.append(keys, [message('b')], bounds())],
  ] as const)
    it(`are read again after ${what} that found what an eviction has left`, async () => {
      await end(open, keys, await take(open, keys))
      await server.client().del(`${keys.session}:m`)
      await write()
      const { meta, entries } = await provider.history.read(keys, everything)
      assert.deepEqual([meta?.length, entries.length], [1, 1])
    })

  it('keep the text off the tracing channel of the driver', async () => {
    const canary = 'canary-51f7'
    const seen: string[] = []
    const listen = (event: unknown) => seen.push(inspect(event, { depth: 9 }))
    const channels = ['command', 'batch', 'pipeline'].map((name) => `tracing:ioredis:${name}:start`)
    for (const name of channels) subscribe(name, listen)
    const hold = await take(open, keys, {
      question: message('q', 'u', canary),
      bounds: { title: Buffer.from(canary) },
    })
    await write(open, keys, hold, batch(1, canary))
    await end(open, keys, hold, [message('a', 'a', canary)])
    for (const name of channels) unsubscribe(name, listen)
    assert.deepEqual(await batchesOf(open, keys, 'q'), [`1 ${canary}`])
    assert.ok(seen.length >= 3, 'the channel is listened to')
    assert.deepEqual(
      seen.filter((text) => text.includes(canary)),
      [],
    )
  })

  it('are corrupt under the seal of another', async () => {
    const hold = await take(open, keys)
    const mistaken = { ...keys, seal: 'of another' }
    await failsWith('corrupt', begin(open, mistaken))
    await failsWith('corrupt', end(open, mistaken, hold))
    await failsWith('corrupt', provider.turns.look(mistaken, 'q', 0, 0))
  })
})

describe('turns of a user with too few rights', () => {
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
    const keys = session()
    const hold = await take(open, keys)
    await provider.turns.look(keys, 'q', 0, minuteMs)
    assert.equal(await write(open, keys, hold, batch(1)), 'written')
    assert.equal((await provider.turns.stop(keys, 'q')).length, 1)
    assert.equal((await end(open, keys, hold)).kind, 'ended')
    assert.deepEqual(await batchesOf(open, keys, 'q'), ['1 up to 1'])
  })

  for (const missing of ['rpush', 'hset'] as const) {
    it(`begin anew where ${missing} was refused half way`, async () => {
      const keys = session()
      const admin = server.client()
      await admin.call('ACL', 'SETUSER', 'few', `-${missing}`)
      await assert.rejects(begin(open, keys), { name: 'StoreError', reason: 'unavailable' })
      await admin.call('ACL', 'SETUSER', 'few', `+${missing}`)
      const token = 'the-first'
      const hold = await take(open, keys, { claim: { token } })
      assert.equal((await end(open, keys, hold)).kind, 'ended')
      const { entries, meta } = await provider.history.read(keys, everything)
      assert.deepEqual(
        entries.map(({ seq, id }) => `${seq} ${id}`),
        ['1 q', '2 a'],
      )
      assert.equal(meta?.length, 2)
    })
  }
})

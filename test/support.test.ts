import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { startCountingProxy } from './support/counting-proxy.ts'
import { type FaultProxy, startFaultProxy } from './support/fault-proxy.ts'
import { assertGone } from './support/gone.ts'
import { startRedis, type TestServer } from './support/redis.ts'

describe('startRedis', () => {
  let server: TestServer
  before(async () => {
    server = await startRedis({ password: 'pa ss', appendonly: true })
  })
  after(() => server.stop())

  it('answers on its URL and on its socket', async () => {
    assert.equal(await server.client().ping(), 'PONG')
    assert.equal(await server.client({ path: server.path }).ping(), 'PONG')
  })

  it('refuses a client without the password', async () => {
    const client = server.client({ password: '', enableReadyCheck: false })
    await assert.rejects(client.ping(), /NOAUTH/)
  })

  it('keeps what was stored over a crash, on the same port', async () => {
    const client = server.client()
    await client.set('kept', 'yes')
    await later(1_100, undefined)
    const before = server.pid
    await server.kill()
    await server.restart()
    assert.notEqual(server.pid, before)
    assert.equal(await client.get('kept'), 'yes')
  })

  it('holds every answer while it is frozen', async () => {
    const client = server.client()
    await client.ping()
    server.freeze()
    let answered = false
    const answer = client.ping().then(() => {
      answered = true
    })
    await later(100, undefined)
    assert.equal(answered, false)
    server.thaw()
    await answer
  })

  it('is gone after stop(), also when frozen, with its folder', async () => {
    const other = await startRedis()
    other.freeze()
    await other.stop()
    await assertGone(other)
  })
})

describe('startRedis with users and a configuration file', () => {
  let server: TestServer
  before(async () => {
    server = await startRedis({
      users: ['default off', 'ann on >secret ~a:* +get +set', 'root on >root ~* &* +@all'],
      config: ['maxmemory 8mb'],
    })
  })
  after(() => server.stop())

  const as = (username: string, password: string) =>
    server.client({ username, password, enableReadyCheck: false })

  it('knows the users it is told of, and no others where the default one is off', async () => {
    const ann = as('ann', 'secret')
    assert.equal(await ann.set('a:1', 'x'), 'OK')
    await assert.rejects(ann.get('b:1'), /NOPERM/)
    await assert.rejects(ann.del('a:1'), /NOPERM/)
    await assert.rejects(as('bob', 'secret').get('a:1'), /WRONGPASS/)
  })

  it('keeps its configuration file over a restart', async () => {
    const root = as('root', 'root')
    const limit = async () => (await root.config('GET', 'maxmemory'))[1]
    assert.equal(await limit(), `${8 * 1024 * 1024}`)
    await root.config('SET', 'maxmemory', '16mb')
    await root.config('REWRITE')
    await server.restart()
    assert.equal(await limit(), `${16 * 1024 * 1024}`)
  })
})

describe('startCountingProxy', () => {
  let server: TestServer
  before(async () => {
    server = await startRedis()
  })
  after(() => server.stop())

  it('counts commands by name, and what is sent together as one round trip', async () => {
    const proxy = await startCountingProxy(server)
    const client = server.client({ port: proxy.port })
    await client.ping()
    proxy.reset()
    await Promise.all([client.set('a', 'x'.repeat(300_000)), client.get('a'), client.get('b')])
    assert.deepEqual(proxy.counts, { SET: 1, GET: 2 })
    assert.equal(proxy.roundTrips, 1)
    await client.get('a')
    await client.eval('return ARGV[1]', 0, '*2\r\n$3\r\nGET\r\n$1\r\na\r\n')
    assert.deepEqual(proxy.commands, ['SET', 'GET', 'GET', 'GET', 'EVAL'])
    assert.equal(proxy.roundTrips, 3)
    client.disconnect()
    await proxy.close()
  })
})

describe('startFaultProxy', () => {
  let server: TestServer
  let proxy: FaultProxy
  before(async () => {
    server = await startRedis()
  })
  after(() => server.stop())
  beforeEach(async () => {
    proxy = await startFaultProxy(server)
  })
  afterEach(() => proxy.close())

  const impatient = () =>
    server.client({
      port: proxy.port,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      connectTimeout: 200,
      commandTimeout: 200,
    })

  it('passes everything on until it is told otherwise', async () => {
    assert.equal(await impatient().ping(), 'PONG')
  })

  it('refuses new connections', async () => {
    proxy.set({ refuse: true })
    await assert.rejects(impatient().ping())
    proxy.clear()
    assert.equal(await impatient().ping(), 'PONG')
    assert.equal(proxy.accepted, 2)
  })

  it('accepts a connection and never answers on it', async () => {
    proxy.set({ silence: true })
    const client = impatient()
    await assert.rejects(client.ping(), /timed out/)
    proxy.clear()
    assert.equal(await impatient().ping(), 'PONG')
  })

  it('holds what passes during a stall, and lets it go in order', async () => {
    const client = server.client({ port: proxy.port })
    await client.ping()
    proxy.set({ stall: true })
    const early = await Promise.race([client.set('k', '1'), later(100, 'nothing')])
    assert.equal(early, 'nothing')
    const answers = Promise.all([client.append('k', '2'), client.append('k', '3')])
    proxy.clear()
    await answers
    assert.equal(await client.get('k'), '123')
  })

  it('resets the connections that stand', async () => {
    const client = impatient()
    await client.ping()
    const failed = new Promise<NodeJS.ErrnoException>((resolve) => client.once('error', resolve))
    proxy.reset()
    assert.equal((await failed).code, 'ECONNRESET')
  })

  it('delays replies, keeping their order', async () => {
    const client = server.client({ port: proxy.port })
    await client.ping()
    proxy.set({ delayMs: 60 })
    const start = performance.now()
    const [first, second] = await Promise.all([client.echo('1'), client.echo('2')])
    assert.deepEqual([first, second], ['1', '2'])
    const took = performance.now() - start
    assert.ok(took >= 59 && took < 150, `took ${took} ms`)
  })

  it('delays replies by another time each, keeping their order', async () => {
    const client = server.client({ port: proxy.port })
    await client.ping()
    proxy.set({ jitterMs: 40 })
    const came: string[] = []
    const asked = Array.from({ length: 20 }, (_, at) => `${at}`)
    const times = await Promise.all(
      asked.map(async (word, at) => {
        // Apart, so that replies do not come in one piece.
        await later(at * 3, undefined)
        const start = performance.now()
        came.push(await client.echo(word))
        return Math.round(performance.now() - start)
      }),
    )
    assert.deepEqual(came, asked)
    assert.ok(new Set(times).size > 3, times.join())
    assert.ok(Math.max(...times) >= 10, times.join())
  })

  it('passes replies byte by byte, and what is left at once when it is told to', async () => {
    const client = server.client({ port: proxy.port })
    await client.ping()
    const pieces: number[] = []
    client.stream.on('data', (bytes: Buffer) => pieces.push(bytes.length))
    proxy.set({ trickleMs: 2 })
    assert.equal(await client.echo('a reply of some bytes'), 'a reply of some bytes')
    assert.ok(pieces.length > 3, pieces.join())
    proxy.set({ trickleMs: 60_000 })
    const echoed = client.echo('later')
    assert.equal(await Promise.race([echoed, later(50, 'nothing')]), 'nothing')
    proxy.clear()
    assert.equal(await echoed, 'later')
  })

  it('ends the connections that stand', async () => {
    const client = impatient()
    await client.ping()
    const ended = new Promise((resolve) => client.stream.once('end', () => resolve('ended')))
    proxy.finish()
    assert.equal(await Promise.race([ended, later(2000, 'nothing')]), 'ended')
    assert.equal(await impatient().ping(), 'PONG')
  })

  it('leaves the connections that stand without a peer, and serves new ones', async () => {
    const client = impatient()
    await client.set('lost', 'before')
    proxy.lose()
    await assert.rejects(client.set('lost', 'after'), /timed out/)
    proxy.clear()
    await assert.rejects(client.ping(), /timed out/)
    assert.equal(client.stream.destroyed, false)
    assert.equal(await impatient().get('lost'), 'before')
  })

  for (const [to, told] of [
    ['truncate', /closed/],
    ['garbage', /Unknown RESP type/],
    ['reset', /closed/],
  ] as const) {
    it(`harms replies (${to}) after the server has done what it was asked`, async () => {
      const client = impatient()
      await client.set(to, '0')
      proxy.set({ harm: { to, times: 1 } })
      await assert.rejects(client.incr(to), told)
      assert.equal(proxy.harmed, 1)
      const next = impatient()
      assert.equal(await next.incr(to), 2)
      proxy.set({ harm: { to, chance: 0 } })
      assert.equal(await next.incr(to), 3)
      assert.equal(proxy.harmed, 1)
    })
  }
})

function later<T>(ms: number, value: T): Promise<T> {
  return new Promise((resolve) => setTimeout(() => resolve(value), ms))
}

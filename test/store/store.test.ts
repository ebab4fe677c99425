import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { Redis } from 'ioredis'
import { after, before, describe, it } from 'mocha'
import { createStore, defaultStore, escapePattern, type Store } from '../../lib/index.ts'
import { run } from '../support/consumer.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { root } from '../support/source-files.ts'
import { testStores } from '../support/stores.ts'

for (const stores of testStores()) {
  describe(`store over ${stores.name}`, () => {
    let store: Store
    before(async () => {
      await stores.start()
      store = await stores.empty()
    })
    after(() => stores.stop())

    it('gives back what JSON can hold', async () => {
      const value = { text: 'grüße', list: [1, null, true], nested: { '': 0 } }
      await store.set('value', value)
      assert.deepEqual(await store.get('value'), value)
    })

    for (const value of [['v', 'PX', '50'], { toString: 'x' }, 0, '', false, null]) {
      it(`takes ${JSON.stringify(value)} as a value, not as arguments`, async () => {
        await store.set('args', value)
        assert.deepEqual(await store.get('args'), value)
        assert.equal(await store.ttl('args'), Number.POSITIVE_INFINITY)
      })
    }

    it('refuses a value without a form', async () => {
      await assert.rejects(store.set('none', undefined), /undefined has no form in JSON/)
    })

    it('refuses a time to live that is not named', async () => {
      await assert.rejects(store.set('a', 1, 60 as never), { code: 'ERR_OPTION' })
      await assert.rejects(
        store.set('a', 1, { tttl: 60 } as never),
        /`set.tttl` must be one of ttl/,
      )
    })

    it('knows times to live in seconds, and units', async () => {
      await store.set('timed', 1, { ttl: 100 })
      const left = await store.ttl('timed')
      assert.ok(left !== undefined && left > 99 && left <= 100, String(left))
      assert.equal(await store.expire('timed', '1h'), true)
      assert.ok(((await store.ttl('timed')) ?? 0) > 3590)
      assert.equal(await store.ttl('absent'), undefined)
      assert.equal(await store.expire('absent', 1), false)
    })

    for (const ttl of [0, -1, Number.NaN, 1e30, '10', '10 ; FLUSHALL', '', null, [1]]) {
      it(`refuses ${JSON.stringify(ttl)} as a time to live`, async () => {
        await assert.rejects(store.set('ttl', 1, { ttl: ttl as never }), { code: 'ERR_OPTION' })
        assert.equal(await store.get('ttl'), undefined)
      })
    }

    for (const key of [undefined, null, 7, '', ['a', 'b'], {}, 'x'.repeat(1025), '\ud800']) {
      it(`refuses ${inspect(key).slice(0, 20)} as a key`, async () => {
        await assert.rejects(store.get(key as never), { code: 'ERR_ID' })
        await assert.rejects(store.delete('a', key as never), { code: 'ERR_ID' })
        assert.throws(() => store.pipeline().get(key as never), { code: 'ERR_ID' })
      })
    }

    it('counts in whole numbers that get reads', async () => {
      assert.equal(await store.incr('count'), 1)
      assert.equal(await store.incr('count', 41), 42)
      assert.equal(await store.get('count'), 42)
      await assert.rejects(store.incr('count', 1.5), { code: 'ERR_USAGE' })
    })

    it('removes by pattern only what an escaped id names', async () => {
      const ids = ['*', 'ann', 'b*b', '[a]', 'a?']
      for (const id of ids) await store.set(`user:${id}:profile`, id)
      assert.equal(await store.deletePattern(`user:${escapePattern('*')}:*`), 1)
      const left = await store.keys('user:*')
      assert.deepEqual(
        left.sort(),
        ids
          .slice(1)
          .map((id) => `user:${id}:profile`)
          .sort(),
      )
    })

    it('sends a pipeline in order and types its results', async () => {
      const results = await store
        .pipeline()
        .set('p', 'one', { ttl: '1m' })
        .get<string>('p')
        .incr('q', 5)
        .exists('p', 'q', 'absent')
        .expire('q', 10)
        .delete('p')
        .get('p')
        .exec()
      const [, one, five] = results
      const typed: [string | undefined, number] = [one, five]
      assert.deepEqual(typed, ['one', 5])
      assert.deepEqual(results, [undefined, 'one', 5, 2, true, 1, undefined])
    })

    it('fails a pipeline by its first failed command', async () => {
      await store.set('text', 'not a number')
      await assert.rejects(store.pipeline().set('ok', 1).incr('text').exec(), { code: 'ERR_STORE' })
      assert.equal(await store.get('ok'), 1)
    })

    it('sets many at once, with one time to live', async () => {
      await store.mset({ s1: 1, s2: { two: 2 } }, { ttl: '1m' })
      assert.deepEqual(await store.mget(['s1', 's2']), [1, { two: 2 }])
      assert.ok(((await store.ttl('s2')) ?? 0) > 50)
      await store.mset({})
      for (const wrong of [new Map([['s1', 3]]), ['s1', 3], 's1', null, undefined])
        await assert.rejects(store.mset(wrong as never), { code: 'ERR_USAGE' })
      await assert.rejects(store.mset({ '': 1 }), { code: 'ERR_ID' })
      await assert.rejects(store.mset({ s1: undefined }), /undefined has no form in JSON/)
      await assert.rejects(store.mset({ s1: 1 }, { tttl: 1 } as never), { code: 'ERR_OPTION' })
      assert.equal(await store.get('s1'), 1)
    })

    it('reads many at once, in order', async () => {
      await store.pipeline().set('m1', 1).set('m3', 3).exec()
      assert.deepEqual(await store.mget(['m1', 'm2', 'm3']), [1, undefined, 3])
    })
  })
}

describe('createStore', () => {
  let server: TestServer
  before(async () => {
    server = await startRedis({ password: 'pa ss/word' })
  })
  after(() => server.stop())

  async function works(store: Store): Promise<void> {
    assert.equal(store.provider, 'redis')
    await store.set('proof', 1)
    assert.equal(await store.get('proof'), 1)
    await store.close()
  }

  it('connects by URL', () => works(createStore({ url: server.url })))

  it('connects by host, port and password', () =>
    works(createStore({ host: server.host, port: server.port, password: 'pa ss/word' })))

  it('uses a client handed in, under its key prefix, and leaves it open', async () => {
    const client = new Redis(server.url, { keyPrefix: 'mine*:', socketTimeout: 1000 })
    const store = createStore({ client, prefix: 'ours:' })
    await store.set('a', 1)
    assert.deepEqual(await store.keys('*'), ['a'])
    assert.deepEqual(await server.client().keys('*ours*'), ['mine*:ours:a'])
    assert.equal(await store.deletePattern('*'), 1)
    await store.close()
    assert.equal(await client.ping(), 'PONG')
    client.disconnect()
  })

  it('says once that a client handed in has no socket timeout', async function () {
    this.timeout(60_000)
    // Once a process: in a new one, where no other test has been told.
    const program = `
      import { Redis } from 'ioredis'
      import { createStore } from './lib/index.ts'
      const client = new Redis('${server.url}')
      const stores = [createStore({ client }), createStore({ client })]
      await Promise.all(stores.map((store) => store.close()))
      client.disconnect()
    `
    const args = ['--import', 'tsx', '--input-type', 'module', '-e', program]
    const { code, stderr } = await run(process.execPath, args, root, 60_000)
    assert.equal(code, 0, stderr)
    assert.equal(stderr.match(/MEMORYWARE_CLIENT_TIMEOUTS/g)?.length, 1, stderr)
  })

  it('never writes to another database than the one it was told', async () => {
    const store = createStore({
      host: server.host,
      port: server.port,
      password: 'pa ss/word',
      db: 99,
    })
    await assert.rejects(store.set('lost', 1), { code: 'ERR_STORE', outcome: 'not-sent' })
    assert.equal(await server.client().exists('lost'), 0)
    await store.close()
  })

  it('never writes to another database through a client that was ready before', async () => {
    const client = new Redis(server.url, { db: 99, socketTimeout: 1000 })
    client.on('error', () => {})
    await client.ping()
    const store = createStore({ client })
    await assert.rejects(store.set('lost', 1), { code: 'ERR_STORE', outcome: 'not-sent' })
    assert.equal(await server.client().exists('lost'), 0)
    await store.close()
    client.disconnect()
  })

  it('comes back through a client on another database that was frozen at first', async function () {
    this.timeout(20_000)
    const own = await startRedis()
    const impatient = { maxRetriesPerRequest: 0, autoResendUnfulfilledCommands: false }
    const client = new Redis(own.url, { db: 3, socketTimeout: 300, ...impatient })
    client.on('error', () => {})
    await client.ping()
    own.freeze()
    const store = createStore({ client })
    await assert.rejects(store.set('a', 1), { code: 'ERR_STORE' })
    await new Promise((done) => setTimeout(done, 600))
    own.thaw()
    await new Promise((done) => setTimeout(done, 1500))
    await store.set('a', 1)
    assert.equal(await own.client({ db: 3 }).get('a'), '1')
    await store.close()
    client.disconnect()
    await own.stop()
  })

  it('leaves no listener on a client that was handed in', async () => {
    const client = new Redis(server.url, { socketTimeout: 1000 })
    const before = ['ready', 'error'].map((name) => client.listenerCount(name))
    const store = createStore({ client })
    await store.set('a', 1)
    await store.close()
    assert.deepEqual(
      ['ready', 'error'].map((name) => client.listenerCount(name)),
      before,
    )
    client.disconnect()
  })

  it('waits for what is under way when it is closed', async () => {
    const store = createStore({ url: server.url, deadline: '1s' })
    await server.client().script('FLUSH')
    const counts = Promise.all(
      Array.from({ length: 200 }, () =>
        store.budgets.charge([
          { key: 'closing', algorithm: 'fixed', limit: 1000, windowMs: 60_000, cost: 1 },
        ]),
      ),
    )
    await new Promise((done) => setImmediate(done))
    await store.close()
    assert.equal((await counts).length, 200)
    assert.equal(await server.client().get('closing'), '200')
    await assert.rejects(store.get('a'), { code: 'ERR_STORE', outcome: 'not-sent' })
  })

  it('says once that Redis is away when it starts, and what Redis refuses', async () => {
    const notices: unknown[] = []
    const listen = (warning: Error & { code?: string }) => notices.push(warning.code)
    process.on('warning', listen)
    const away = createStore({ port: 1 })
    const refused = createStore({ host: server.host, port: server.port, password: 'wrong' })
    await new Promise((done) => setTimeout(done, 500))
    process.off('warning', listen)
    await Promise.all([away.close(), refused.close()])
    assert.deepEqual(notices.sort(), ['MEMORYWARE_REDIS_AWAY', 'MEMORYWARE_REDIS_REFUSES'])
  })

  it('does not tell the password in errors', async () => {
    const store = createStore({ url: server.url.replace('word', 'wrong-canary') })
    const error: unknown = await store.get('a').catch((reason: unknown) => reason)
    assert.match(inspect(error), /Store failed on get/)
    assert.doesNotMatch(inspect(error, { depth: 9 }), /canary/)
    await store.close()
  })

  for (const [fault, options, message] of [
    ['a misspelt option', { urll: 'redis://x' }, /`store.urll` must be one of provider, url/],
    ['an unknown provider', { provider: 'memcached' }, /`provider` must be .* got "memcached"/],
    ['a URL that is none', { url: 'localhost:6379' }, /`url` must be a URL such as redis:/],
    ['a URL and a host', { url: 'redis://:pw@h', host: 'x' }, /`url` must be given without host/],
    [
      'a client and a URL',
      { url: 'redis://h', client: new Redis({ lazyConnect: true }) },
      /`url` must be absent/,
    ],
    ['two databases', { url: 'redis://h/2', db: 5 }, /`db` must be absent where the URL names/],
    [
      'a database that is no number',
      { url: 'redis://h/abc' },
      /`url` must be a URL such as redis:/,
    ],
    [
      'a client that gives numbers as text',
      { client: new Redis({ lazyConnect: true, stringNumbers: true }) },
      /`client` must be a client without `stringNumbers`/,
    ],
    ['a client that is none', { client: {} }, /`client` must be an ioredis client/],
    ['braces in the prefix', { prefix: '{app}:' }, /`prefix` must be text .* without braces/],
    ['a port that is none', { port: 70_000 }, /`port` must be a whole number from 1 to 65535/],
    [
      'an address without Redis',
      { provider: 'embedded', host: 'x' },
      /`host` must be absent without/,
    ],
    ['a deadline above a second', { deadline: '2s' }, /`deadline` must be at most 1 second/],
    ['a serializer that is none', { serializer: {} }, /`serializer` must be an object with encode/],
    ['no bytes', { maxBytes: 0 }, /`maxBytes` must be a whole number/],
  ] as const) {
    it(`refuses ${fault}, naming option, expectation and value`, () => {
      assert.throws(() => createStore(options as never), message)
    })
  }

  it('keeps passwords out of what it says of a wrong URL', () => {
    const url = 'http://user:canary@host'
    assert.throws(
      () => createStore({ url }),
      (error: Error) => !error.message.includes('canary'),
    )
  })
})

describe('defaultStore', () => {
  it('is one store, shared through globalThis until it is closed', async () => {
    const store = defaultStore()
    assert.equal(store.provider, 'embedded')
    assert.equal(defaultStore(), store)
    assert.equal((globalThis as Record<symbol, unknown>)[Symbol.for('memoryware.store')], store)
    await store.close()
    const next = defaultStore()
    assert.notEqual(next, store)
    await next.close()
  })
})

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { createStore, encrypted, type Store, type StoreOptions } from '../../lib/index.ts'
import { frameworks } from '../support/apps.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { type SecretApp, serveSecrets } from './secret-work.ts'
import { listening, secret, type Told } from './told.ts'

const password = secret('password')

/** What happens to a server before everything is done once more. */
const harms: Readonly<Record<string, (client: Redis) => Promise<unknown>>> = {
  'nothing is wrong': async () => {},
  'all is of another type': (client) => overwrite(client, wrongType),
  'all is what nobody wrote': (client) => overwrite(client, garbled),
  'all is cut off in its middle': (client) => overwrite(client, cut),
  'there is no memory left': (client) => client.config('SET', 'maxmemory', '1'),
  'the scripts are gone': (client) => client.script('FLUSH'),
  'it takes no writes': (client) => client.replicaof('127.0.0.1', '1'),
}

async function overwrite(
  client: Redis,
  harm: (client: Redis, key: string, type: string) => Promise<unknown>,
) {
  for (const key of await client.keys('*')) await harm(client, key, await client.type(key))
}

async function wrongType(client: Redis, key: string, type: string) {
  await client.del(key)
  if (type === 'string') await client.rpush(key, secret('stored'))
  else await client.set(key, secret('stored'))
}

const garbage = `{"content":"${secret('stored')}`

async function garbled(client: Redis, key: string, type: string) {
  if (type === 'string') await client.set(key, garbage)
  if (type === 'list')
    for (let at = 0; at < (await client.llen(key)); at += 1) await client.lset(key, at, garbage)
  if (type === 'hash')
    for (const field of await client.hkeys(key)) await client.hset(key, field, garbage)
}

async function cut(client: Redis, key: string, type: string) {
  const half = (value: Buffer | null) => value?.subarray(0, Math.floor(value.length / 2)) ?? ''
  if (type === 'string') await client.set(key, half(await client.getBuffer(key)))
  if (type === 'list')
    for (let at = 0; at < (await client.llen(key)); at += 1)
      await client.lset(key, at, half(await client.lindexBuffer(key, at)))
  if (type === 'hash')
    for (const field of await client.hkeys(key))
      await client.hset(key, field, half(await client.hgetBuffer(key, field)))
}

for (const framework of frameworks) {
  describe(`threat: secrets in errors, warnings, events, traces and answers (${framework.name})`, () => {
    let server: TestServer
    let told: Told
    const opened: { close(): unknown }[] = []

    before(async () => {
      server = await startRedis({
        password,
        args: ['--slowlog-log-slower-than', '0', '--slowlog-max-len', '2000'],
        users: [`limited on >${password} ~* &* +ping +info +select +client +hello +auth`],
      })
    })
    beforeEach(() => {
      told = listening()
    })
    afterEach(async () => {
      for (const each of opened.splice(0).reverse()) await each.close()
      told.stop()
    })
    after(() => server.stop())

    async function serve(options: StoreOptions, memory: object = {}): Promise<[SecretApp, Store]> {
      const store = createStore({ deadline: '1s', ...options })
      opened.push(store)
      const app = await serveSecrets(framework, store, { memory, caught: told.add })
      opened.push(app)
      return [app, store]
    }

    async function harmed(
      harm: (client: Redis) => Promise<unknown>,
      memory: object,
    ): Promise<void> {
      const client = server.client()
      const [app, store] = await serve({ url: server.url }, memory)
      try {
        await app.seed()
        await told.apart(() => harm(client))
        const sent = () => told.counts['tracing:ioredis:command:start'] ?? 0
        // While the breaker is open little is sent.
        for (let round = 0; round === 0 || (sent() <= 100 && round < 10); round += 1)
          await app.work()
        const refused = (error: unknown) => error
        told.add('slowlog', await told.apart(() => store.slowlog(2000).catch(refused)))
      } finally {
        await told.apart(async () => {
          await client.replicaof('NO', 'ONE')
          await client.config('SET', 'maxmemory', '0')
          await client.flushall()
        })
      }
      assert.deepEqual(told.secrets, [])
      assert.ok((told.counts['tracing:ioredis:command:start'] ?? 0) > 100)
      assert.ok((told.counts['memoryware:cache'] ?? 0) > 10)
    }

    for (const [says, harm] of Object.entries(harms))
      it(`are not told where ${says}`, () => harmed(harm, {}))

    it('are not told where all is cut off in its middle, and messages are encrypted', async () => {
      const key = randomBytes(32).toString('base64')
      const cutOff = (client: Redis) => overwrite(client, cut)
      await harmed(cutOff, { serializer: encrypted([{ id: 'k', key }]) })
    })

    it('are not told where Redis knows no such password, and lets nobody in', async () => {
      const wrong = `redis://:${secret('wrong-password')}@127.0.0.1:${server.port}`
      const [app, store] = await serve({ url: wrong, deadline: '50ms' })
      await app.work()
      told.add('error', await store.get('x').catch((error: unknown) => error))
      assert.deepEqual(told.secrets, [])
      assert.ok((told.counts['memoryware:store'] ?? 0) > 0)
      assert.ok((told.counts['memoryware:error'] ?? 0) > 0)
    })

    it('are not told where Redis lets its user do nothing', async () => {
      const [app] = await serve({
        host: '127.0.0.1',
        port: server.port,
        username: 'limited',
        password,
        deadline: '50ms',
      })
      await app.work()
      assert.deepEqual(told.secrets, [])
      assert.ok((told.counts['memoryware:error'] ?? 0) > 0)
    })

    it('are not told where nothing is but this process', async () => {
      const [app] = await serve({ provider: 'embedded' })
      await app.seed()
      await app.work()
      assert.deepEqual(told.secrets, [])
      assert.ok((told.counts['answer 400'] ?? 0) > 0)
    })
  })
}

describe('what the driver tells by itself', () => {
  it('is the password that was refused, and the session that could not be kept', async () => {
    const server = await startRedis({ args: ['--maxmemory', '1'] })
    const told = listening()
    const client = server.client()
    const auth = await client.call('AUTH', secret('password')).catch((error: unknown) => error)
    const set = await client.set('sess:1', secret('session')).catch((error: unknown) => error)
    told.add('error', [auth, set])
    told.stop()
    await server.stop()
    const found = told.secrets.filter((text) => text.startsWith('error: ')).join()
    assert.match(found, /password/)
    assert.match(found, /session/)
  })
})

describe('threat: secrets in what is said of wrong options', () => {
  const url = `redis://ann:${secret('password')}@127.0.0.1`

  for (const [says, options] of [
    ['a URL that is none', { url: `redis:///${secret('password')}@[` }],
    ['a URL with a port that is none', { url: `${url}:99999` }],
    ['a URL with a database that is none', { url: `${url}:1/x` }],
    ['a URL of another kind', { url: `http://ann:${secret('password')}@127.0.0.1` }],
    ['a URL beside a host', { url, host: 'x' }],
    ['a password that is none', { host: 'x', password: [secret('password')] }],
    ['a password for a URL', { url, password: secret('password') }],
    ['a password in a node of a Cluster', { cluster: [url] }],
    ['a password in a Sentinel', { sentinels: { nodes: [url], name: 'm' } }],
    ['a password where there is no Redis', { provider: 'embedded', password: secret('password') }],
    ['a URL where there is no Redis', { provider: 'embedded', url }],
    ['a password in a prefix', { url, prefix: { is: secret('password') } }],
  ] as const) {
    it(`are not told of ${says}`, async () => {
      const told = listening()
      let store: Store | undefined
      try {
        store = createStore(options as never)
        told.add('error', await store.get('x').catch((error: unknown) => error))
      } catch (error) {
        told.add('error', error)
      }
      await store?.close()
      told.stop()
      assert.deepEqual(told.secrets, [])
      assert.ok(told.counts['error'], 'something was said')
    })
  }
})

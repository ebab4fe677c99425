import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Redis } from 'ioredis'
import { after, before, describe, it } from 'mocha'
import { storeContract } from '../../contract/store-contract.ts'
import { cached, createStore } from '../../lib/index.ts'
import { sessionKeys } from '../../lib/keys.ts'
import type { Charge } from '../../lib/ports/budgets.ts'
import type { Provider } from '../../lib/ports/provider.ts'
import { namespaced } from '../../lib/providers/namespaced.ts'
import { redisProvider } from '../../lib/providers/redis/provider.ts'
import { frameworks } from '../support/apps.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { apply, called, introduce, refusals, rightsIn, rules, signIn } from './acl-rules.ts'

describe('the user in docs/deploying.md on one server', () => {
  const given = ['base', 'prefix', 'messages', 'scan', 'inside'] as const
  let server: TestServer
  let admin: Redis
  before(async () => {
    server = await startRedis()
    admin = server.client()
    await introduce(admin, await rules(...given))
  })
  after(() => server.stop())

  storeContract({
    name: 'redis as that user',
    create: () =>
      namespaced(redisProvider({ host: server.host, port: server.port, ...signIn }), 'app:'),
    describe,
    it,
  })

  // Behind the contract: Mocha runs the groups of a group after its tests.
  describe('then', () => {
    it('was refused nothing', async () => {
      assert.deepEqual(await refusals(admin), [])
    })

    it('has no right that is not used', async () => {
      const used = await called(admin)
      const rights = rightsIn(await rules(...given))
      assert.ok(rights.length > 30)
      assert.deepEqual(
        rights.filter((right) => !used.includes(right)),
        [],
      )
    })

    it('may do nothing else, and touch no other keys and channels', async () => {
      const client = server.client(signIn)
      await admin.set('other', 'secret')
      for (const [command, ...words] of [
        ['FLUSHALL'],
        ['FLUSHDB'],
        ['KEYS', '*'],
        ['CONFIG', 'GET', '*'],
        ['ACL', 'LIST'],
        ['SHUTDOWN', 'NOSAVE'],
        ['MONITOR'],
        ['CLIENT', 'LIST'],
        ['SCRIPT', 'FLUSH'],
        ['GET', 'other'],
        ['SET', 'other', 'mine'],
        ['EVAL', "return redis.call('GET', 'other')", '0'],
        ['PUBLISH', 'other', 'word'],
      ] as const)
        await assert.rejects(
          client.call(command, ...words),
          /NOPERM|ERR The user executing/,
          command,
        )
      assert.equal(await admin.get('other'), 'secret')
    })
  })
})

for (const framework of frameworks) {
  describe(`the user in docs/deploying.md behind the middlewares of ${framework.name}`, () => {
    let server: TestServer
    before(async () => {
      server = await startRedis()
      await introduce(server.client(), await rules('base', 'database'))
    })
    after(() => server.stop())

    it('is enough, with the keys as they are and in another database', async () => {
      for (const db of [0, 1]) {
        const store = createStore({
          host: server.host,
          port: server.port,
          db,
          deadline: '1s',
          ...signIn,
        })
        const answer = cached(async (word: string) => word, {
          name: `${framework.name}-${db}`,
          ttl: '1m',
          store,
        })
        const app = await framework.serve(
          {
            memory: { store },
            limit: {
              store,
              limits: [
                { name: `few-${db}`, limit: 20 },
                { name: `many-${db}`, limit: 100 },
                { name: `fixed-${db}`, limit: 20, algorithm: 'fixed' },
              ],
            },
            cache: { store, ttl: '1m', scope: 'user' },
          },
          async ({ memory, rateLimit, cache, set, send }) => {
            await memory.append({ role: 'user', content: await answer('hi') })
            await memory.sessions.list()
            set('content-type', 'text/plain')
            send(200, String(memory.degraded || rateLimit?.degraded || cache?.degraded))
          },
        )
        await eventually('the store is there', () => store.get('sess:any').then(() => true))
        await store.set('sess:one', { userId: 'ann' }, { ttl: '1h' })
        for (const path of ['/1', '/2', '/1']) {
          const response = await fetch(app.url + path, { headers: { 'x-user': 'ann' } })
          assert.equal(await response.text(), 'false')
        }
        await app.close()
        await store.close()
      }
      assert.deepEqual(await refusals(server.client()), [])
    })
  })
}

describe('a user with too few rights', () => {
  let server: TestServer
  let provider: Provider
  const notices: string[] = []
  const listen = (notice: unknown) => void notices.push((notice as { message: string }).message)
  before(async () => {
    server = await startRedis()
    await introduce(server.client(), await rules('base'))
    provider = redisProvider({ host: server.host, port: server.port, ...signIn })
    subscribe('memoryware:notice', listen)
  })
  after(async () => {
    unsubscribe('memoryware:notice', listen)
    await provider.close()
    await server.stop()
  })

  const charges: Charge[] = [
    { key: 'limit:{a}:b:f', algorithm: 'fixed', limit: 9, windowMs: 60_000, cost: 1 },
  ]
  for (const [what, missing, attempt, refusal] of [
    ['another key', '+get', () => provider.get('other'), /NOPERM/],
    ['a command', '-get', () => provider.get('sess:a'), /NOPERM/],
    ['scripts', '-evalsha', () => provider.budgets.charge(charges), /NOPERM/],
    [
      'a command in a script',
      '-set',
      () => provider.budgets.charge(charges),
      /NOPERM|The user executing/,
    ],
  ] as const) {
    it(`fails on ${what} with a StoreError, and is told of`, async () => {
      const admin = server.client()
      await apply(admin, [...(await rules('base')), ['ACL', 'SETUSER', signIn.username, missing]])
      notices.length = 0
      const error = await attempt().then(
        () => undefined,
        (reason: unknown) => reason as Error & { reason: string },
      )
      assert.equal(error?.name, 'StoreError')
      assert.equal(error.reason, 'unavailable')
      assert.match(String(error.cause), refusal)
      assert.match(
        notices.join('\n'),
        new RegExp(
          `Redis at 127.0.0.1:${server.port} refuses the connection or a command: .*(${refusal.source})`,
        ),
      )
    })
  }

  it('goes on where it may not look inside', async () => {
    await apply(server.client(), await rules('base'))
    const store = createStore({ host: server.host, port: server.port, ...signIn, deadline: '1s' })
    for (let attempt = 0; attempt < 8; attempt++)
      for (const look of [store.slowlog(), store.dbsize(), store.size('sess:a')])
        await assert.rejects(look, { name: 'StoreError', reason: 'refused' })
    assert.equal(store.degraded, false)
    await store.set('sess:a', 1)
    assert.equal(await store.get('sess:a'), 1)
    await store.close()
  })

  for (const missing of ['-rpush', '-hset']) {
    it(`does not take a message for kept that a script without ${missing.slice(1)} left half kept`, async () => {
      const admin = server.client()
      const log = namespaced(provider, `session:${missing}`).history
      const keys = sessionKeys('ann', 'chat')
      const all = { limit: 10, before: undefined, ttlMs: undefined }
      const bounds = { ttlMs: 60_000, max: 200, keep: 150, ifRev: undefined, title: undefined }
      const append = (id: string) =>
        log.append(keys, [{ id, role: 'u', tokens: 1, payload: Buffer.from(id) }], bounds)
      await apply(admin, await rules('base'))
      await append('first')
      await apply(admin, [['ACL', 'SETUSER', signIn.username, missing]])
      for (let time = 0; time < 2; time += 1)
        await assert.rejects(append('second'), { name: 'StoreError', reason: 'unavailable' })
      await apply(admin, await rules('base'))
      await append('second')
      const { entries } = await log.read(keys, all)
      assert.deepEqual(
        entries.map(({ id, seq }) => `${seq} ${id}`),
        ['1 first', '2 second'],
      )
    })
  }
})

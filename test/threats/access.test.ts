import assert from 'node:assert/strict'
import { after, before, describe, it } from 'mocha'
import { createStore } from '../../lib/index.ts'
import { apply, introduce, refusals, rules, signIn } from '../deploying/acl-rules.ts'
import { frameworks } from '../support/apps.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

describe('threat: another database than the one that was asked for', () => {
  let server: TestServer
  before(async () => {
    server = await startRedis()
  })
  after(() => server.stop())

  // More of it: test/store/store.test.ts, test/deploying/troubles.test.ts.
  it('db: 99, which is not there, is an error, and never database 0', async () => {
    const { host, port, url } = server
    for (const options of [{ host, port, db: 99 }, { url: `${url}/99` }]) {
      const store = createStore(options)
      await assert.rejects(store.set('lost', 1), { code: 'ERR_STORE', outcome: 'not-sent' })
      await assert.rejects(store.get('lost'), { code: 'ERR_STORE' })
      await store.close()
    }
    assert.doesNotMatch(await server.client().info('keyspace'), /db0/)
  })

  it('db: 3 is database 3', async () => {
    const { host, port } = server
    const store = createStore({ host, port, db: 3 })
    await store.set('kept', 1)
    await store.close()
    const admin = server.client({ db: 3 })
    assert.deepEqual([await admin.exists('kept'), await server.client().exists('kept')], [1, 0])
  })
})

describe('threat: more rights on Redis than are needed', () => {
  let server: TestServer
  before(async () => {
    server = await startRedis()
  })
  after(() => server.stop())

  // All of the contract as that user, and that no right is unused: test/deploying/acl.test.ts.
  for (const framework of frameworks)
    it(`memory, limit and cache of ${framework.name} work as the user in docs/deploying.md, who may touch no other key`, async () => {
      const admin = server.client()
      await admin.flushall()
      await introduce(admin, await rules('base'))
      await apply(admin, await rules('prefix'))
      await admin.set('other', 'secret')
      const { host, port } = server
      const store = createStore({ host, port, ...signIn, prefix: 'app:', deadline: '1s' })
      const app = await framework.serve(
        { memory: { store }, limit: { store, limit: 5, window: '1m' }, cache: { store, ttl: 60 } },
        async ({ memory, send }) => {
          await memory.append({ role: 'user', content: 'hello' })
          const { items } = await memory.history()
          send(200, `${items.length} ${memory.degraded}`)
        },
      )
      try {
        const answer = await fetch(app.url, { headers: { 'x-user': 'ann' } })
        assert.deepEqual([answer.status, await answer.text()], [200, '1 false'])
        assert.deepEqual(await refusals(admin), [])
        const client = server.client(signIn)
        for (const [command, ...words] of [['GET', 'other'], ['FLUSHALL'], ['CONFIG', 'GET', '*']])
          await assert.rejects(client.call(command as string, ...words), /NOPERM/, command)
      } finally {
        await app.close()
        await store.close()
      }
    })
})

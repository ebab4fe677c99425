import { deepEqual, equal, match } from 'node:assert/strict'
import { createStore, type Store } from 'memoryware'
import { after, before, describe, it } from 'mocha'
import { shopApp } from '../../examples/samples/14-separate-stores.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { type Served, serve } from './served.ts'

describe('the sample 14-separate-stores', () => {
  let servers: TestServer[]
  let stores: Store[]
  let app: Served
  before(async () => {
    servers = await Promise.all([startRedis(), startRedis(), startRedis()])
    stores = servers.map(({ url }) => createStore({ url, deadline: '1s' }))
    const [sessions, limits, cache] = stores
    if (!sessions || !limits || !cache) throw new Error('There are three stores')
    app = await serve(shopApp({ sessions, limits, cache }))
  })
  after(async () => {
    await app.close()
    await Promise.all(stores.map((store) => store.close()))
    await Promise.all(servers.map((server) => server.stop()))
  })

  /** The first part of each server's keys. */
  const kinds = () =>
    Promise.all(
      servers.map(async (server) => {
        const keys = await server.client().keys('*')
        return [...new Set(keys.map((key) => key.split(':')[0]))].join()
      }),
    )

  it('keeps conversations, counters and answers each where they belong', async () => {
    equal(await app.json('POST', '/chat', { text: 'Hello' }), 1)
    await app.ask('GET', '/prices')
    await eventually('each is there', async () => (await kinds()).every(Boolean) || undefined)
    deepEqual(await kinds(), ['session', 'limit', 'cache'])
    match((await app.ask('GET', '/prices')).headers.get('cache-status') ?? '', /hit/)
  })

  it('goes on with the others when one of them is away', async () => {
    await servers[2]?.kill()
    equal(await app.json('POST', '/chat', { text: 'Still there?' }), 2)
    equal((await app.ask('GET', '/prices')).status, 200)
    equal(stores[0]?.degraded, false)
  })
})

import { equal, match, ok } from 'node:assert/strict'
import { createStore } from 'memoryware'
import { after, before, describe, it } from 'mocha'
import { largest, report } from '../../examples/samples/12-inspection.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { onEachProvider } from './on-each.ts'

onEachProvider('12-inspection', ({ store: empty, name }) => {
  it('tells keys, clients, memory and hits', async () => {
    const store = await empty()
    // Other tests keep theirs on the same server.
    const others = (await report(store)).keys
    await store.mset({ a: 'x', b: 'x'.repeat(10_000) })
    await store.get('a')
    await store.get('absent')
    const { servers, keys, clients, usedBytes, hitRate } = await report(store)
    equal(servers, 1)
    equal(keys, others + 2)
    equal(clients >= (name === 'redis' ? 1 : 0), true)
    ok(usedBytes > 10_000)
    ok(hitRate > 0 && hitRate < 1, String(hitRate))
  })

  it('finds the largest key', async () => {
    const store = await empty()
    await store.mset({ a: 'x', b: 'x'.repeat(10_000), c: 1 })
    equal(await largest(store, ['a', 'absent', 'b', 'c']), 'b')
  })
})

describe('the sample 12-inspection, with a slow log', () => {
  let server: TestServer
  before(async () => {
    server = await startRedis({ args: ['--slowlog-log-slower-than', '0'] })
  })
  after(() => server.stop())

  it('names the slowest command, and nothing that was said in it', async () => {
    const store = createStore({ url: server.url, deadline: '1s' })
    await store.set('a', 'canary')
    const { slowest } = await report(store)
    ok(slowest && slowest.durationMs >= 0)
    match(slowest.command, /^[A-Z]+$/)
    equal(JSON.stringify(await store.slowlog(100)).includes('canary'), false)
    await store.close()
  })
})

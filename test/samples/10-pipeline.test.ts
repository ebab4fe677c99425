import { deepEqual, equal } from 'node:assert/strict'
import { createStore } from 'memoryware'
import { describe, it } from 'mocha'
import { profiles, saveProfiles, visit } from '../../examples/samples/10-pipeline.ts'
import { startCountingProxy } from '../support/counting-proxy.ts'
import { startRedis } from '../support/redis.ts'
import { onEachProvider } from './on-each.ts'

onEachProvider('10-pipeline', ({ store: empty }) => {
  it('gives the results of a pipeline in order', async () => {
    const store = await empty()
    deepEqual(await visit(store, 'ann'), { visits: 1, profile: undefined })
    await saveProfiles(store, { ann: { name: 'Ann' } })
    deepEqual(await visit(store, 'ann'), { visits: 2, profile: { name: 'Ann' } })
    equal(await store.exists('seen:ann'), 1)
  })

  it('reads many at once, in the order they were asked for', async () => {
    const store = await empty()
    await saveProfiles(store, { ann: { name: 'Ann' }, bob: { name: 'Bob' } })
    deepEqual(await profiles(store, ['bob', 'nobody', 'ann']), [
      { name: 'Bob' },
      undefined,
      { name: 'Ann' },
    ])
  })
})

describe('the sample 10-pipeline, on the wire', () => {
  it('takes one round trip each', async () => {
    const server = await startRedis()
    const proxy = await startCountingProxy(server)
    const store = createStore({ url: proxy.url, deadline: '1s' })
    await store.exists('ready')
    for (const use of [
      () => visit(store, 'ann'),
      () => saveProfiles(store, { ann: { name: 'Ann' }, bob: { name: 'Bob' } }),
      () => profiles(store, ['ann', 'bob']),
    ]) {
      proxy.reset()
      await use()
      equal(proxy.roundTrips, 1)
    }
    await store.close()
    await proxy.close()
    await server.stop()
  })
})

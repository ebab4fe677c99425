import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Store } from 'memoryware'
import { after, before, describe, it } from 'mocha'
import { clusterStore, removeAll, saveAndRead } from '../../examples/samples/13-cluster.ts'
import { type RedisTestCluster, startRedisCluster } from '../support/redis-cluster.ts'

describe('the sample 13-cluster', () => {
  let cluster: RedisTestCluster
  let store: Store
  before(async function () {
    this.timeout(60_000)
    cluster = await startRedisCluster({ replicas: 0 })
    store = clusterStore([new URL(cluster.urls[0] ?? '').host])
  })
  after(async () => {
    await store.close()
    await cluster.stop()
  })

  it('spreads keys over all nodes, reads them in order and removes them all', async () => {
    const ids = Array.from({ length: 50 }, (_, at) => at)
    deepEqual(
      await saveAndRead(store, ids),
      ids.map((id) => ({ id })),
    )
    const { nodes } = await store.info()
    equal(nodes.length, 3)
    ok(nodes.every(({ keys }) => keys > 0))
    equal(await removeAll(store), 50)
    equal(await store.dbsize(), 0)
  })
})

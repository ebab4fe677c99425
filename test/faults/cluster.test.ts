import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import keySlot from 'cluster-key-slot'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import { frameworks } from '../support/apps.ts'
import type { ClusterNode } from '../support/cluster-view.ts'
import { startLoad } from '../support/load.ts'
import { type RedisTestCluster, startRedisCluster } from '../support/redis-cluster.ts'
import { type SpokenApp, serveSpoken } from '../support/spoken-app.ts'

const failoverMs = 6000

for (const framework of frameworks) {
  describe(`a Redis Cluster under ${framework.name}`, function () {
    this.timeout(60_000)
    let cluster: RedisTestCluster
    let store: Store
    let app: SpokenApp

    before(async () => {
      cluster = await startRedisCluster()
    })
    beforeEach(async () => {
      store = createStore({ cluster: cluster.urls.slice(0, 2) })
      app = await serveSpoken(framework, store)
    })
    afterEach(async () => {
      await app.close()
      await store.close()
    })
    after(() => cluster.stop())

    for (const [fault, strike, mend] of [
      ['frozen', (node: ClusterNode) => node.freeze(), (node: ClusterNode) => node.thaw()],
      ['killed', (node: ClusterNode) => node.kill(), (node: ClusterNode) => node.restart()],
    ] as const) {
      it(`goes on while a master is ${fault}: the others never notice, its replica takes over`, async () => {
        await cluster.settled()
        const events: string[] = []
        const listen = (event: unknown) => events.push((event as { state: string }).state)
        subscribe('memoryware:store', listen)
        const load = startLoad(app.url)
        await sleep(500)
        const [victim] = await cluster.masters()
        assert.ok(victim)
        const holderOf = await holders(cluster)
        await strike(victim)
        const struckAt = performance.now()
        await sleep(failoverMs + 1000)
        const answers = await load.stop()
        unsubscribe('memoryware:store', listen)
        await mend(victim)

        const bad = answers.filter(({ status, ms }) => status !== 200 || ms > 1000)
        assert.deepEqual(bad, [])
        const during = answers.filter(({ at }) => at > struckAt && at < struckAt + 1000)
        // A limit that waited in vain has used up what the request may wait.
        const hurt = during.filter(({ body }) => body['memoryDegraded'] && !body['limitDegraded'])
        assert.ok(hurt.length > 0, 'nobody noticed')
        const held = `${victim.host}:${victim.port}`
        assert.deepEqual(
          hurt.filter(({ user }) => holderOf(user) !== held),
          [],
        )
        const later = answers.filter(({ at }) => at > struckAt + failoverMs)
        assert.ok(later.length > 10)
        assert.deepEqual(
          later.filter(({ body }) => body['memoryDegraded'] || body['limitDegraded']),
          [],
        )
        assert.deepEqual(events, ['degraded', 'healthy'])
        assert.deepEqual(await app.lost(answers), [])
      })
    }
  })
}

/** Tells the address of the master that holds a user's conversation now. */
async function holders(cluster: RedisTestCluster): Promise<(user: string) => string | undefined> {
  const client = cluster.client()
  await client.set('any', 'thing')
  const slots = [...client.slots]
  return (user) => slots[keySlot(`session:{${user}}`)]?.[0]
}

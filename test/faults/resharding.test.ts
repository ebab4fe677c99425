import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import { frameworks } from '../support/apps.ts'
import { startLoad } from '../support/load.ts'
import { type RedisTestCluster, startRedisCluster } from '../support/redis-cluster.ts'
import { type SpokenApp, serveSpoken } from '../support/spoken-app.ts'

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

    it('moves slots under load: every read is answered, and no message lost or doubled', async () => {
      const failures: unknown[] = []
      const listen = (event: unknown) => {
        const { during, error } = event as { during: string; error: Error }
        if (error.message.includes('read')) failures.push(`${during}: ${error.message}`)
      }
      subscribe('memoryware:error', listen)
      const load = startLoad(app.url)
      await sleep(500)
      const moved = await cluster.moveSlots(8, { batch: 1, between: () => sleep(10) })
      const answers = await load.stop()
      unsubscribe('memoryware:error', listen)

      assert.ok(moved.length >= 8 && answers.length > 20, `${moved.length}, ${answers.length}`)
      const wrong = answers.filter(({ status, body }) => status !== 200 || body['read'] === 0)
      assert.deepEqual([wrong, failures], [[], []])
      await sleep(1000)
      assert.deepEqual(await app.lost(answers), [])
    })
  })
}

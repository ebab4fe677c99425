import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { RateLimiterRedis } from 'rate-limiter-flexible'
import { type App, frameworks } from '../support/apps.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

for (const framework of frameworks) {
  describe(`a limiter of rate-limiter-flexible whose Redis is away, on ${framework.name}`, () => {
    let server: TestServer
    let client: Redis
    let app: App | undefined
    beforeEach(async () => {
      server = await startRedis()
      client = server.client()
    })
    afterEach(async () => {
      await app?.close()
      await server.stop()
    })

    async function serve(onStoreError: 'local' | 'open' | 'error') {
      const store = new RateLimiterRedis({ storeClient: client, points: 3, duration: 600 })
      const limit = { store, onStoreError }
      app = await framework.serve({ limit }, ({ send }) => send(200, 'done'))
      const { url } = app
      return async () => (await fetch(url)).status
    }

    it('answers 503 while it is frozen, and counts where it was once it is back', async () => {
      const call = await serve('error')
      assert.equal(await call(), 200)
      server.freeze()
      for (let at = 0; at < 7; at += 1) assert.equal(await call(), 503)
      server.thaw()
      // What was sent to the frozen server is charged when it goes on: nothing is left.
      const status = await eventually('an answer of its own', async () => {
        const status = await call()
        return status === 503 ? undefined : status
      })
      assert.equal(status, 429)
    })

    it('counts in this process while it is frozen', async () => {
      const call = await serve('local')
      server.freeze()
      const statuses = []
      for (let at = 0; at < 4; at += 1) statuses.push(await call())
      assert.deepEqual(statuses, [200, 200, 200, 429])
      server.thaw()
    })
  })
}

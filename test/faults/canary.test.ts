import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { createStore } from '../../lib/index.ts'
import { frameworks } from '../support/apps.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { serveSecrets } from '../threats/secret-work.ts'
import { listening, secret, type Told } from '../threats/told.ts'

/** What happens to a server, and how it is there again. */
const faults = {
  'it is frozen': (server: TestServer) => ({
    strike: () => server.freeze(),
    clear: () => server.thaw(),
  }),
  'it is killed': (server: TestServer) => ({
    strike: () => server.kill(),
    clear: () => server.restart(),
  }),
} as const

for (const framework of frameworks) {
  describe(`secrets while Redis is away, on ${framework.name}`, function () {
    this.timeout(60_000)
    let server: TestServer
    let told: Told

    before(async () => {
      server = await startRedis({ password: secret('password') })
    })
    beforeEach(() => {
      told = listening()
    })
    afterEach(() => told.stop())
    after(() => server.stop())

    for (const [says, fault] of Object.entries(faults)) {
      for (const onStoreError of ['local', 'error'] as const) {
        it(`are not told where ${says}, with onStoreError: ${onStoreError}`, async () => {
          const store = createStore({ url: server.url })
          const memory = { onStoreError }
          const app = await serveSecrets(framework, store, { memory, caught: told.add })
          const { strike, clear } = fault(server)
          try {
            await app.seed()
            await strike()
            await app.work()
          } finally {
            await clear()
            await app.close()
            await store.close()
          }
          assert.deepEqual(told.secrets, [])
          assert.ok((told.counts['memoryware:store'] ?? 0) > 0)
          assert.ok((told.counts['memoryware:error'] ?? 0) > 0)
          assert.ok((told.counts['answer 503'] ?? 0) > 0)
        })
      }
    }
  })
}

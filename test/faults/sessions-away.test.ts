import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import { type Answer, browser, loginFrameworks, type Setup } from '../sessions/login-apps.ts'
import type { App } from '../support/apps.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

for (const framework of loginFrameworks) {
  describe(`sessions in a Redis that is away, on ${framework.name}`, function () {
    this.timeout(20_000)
    let server: TestServer
    let store: Store
    let app: App | undefined

    before(async () => {
      server = await startRedis({ appendonly: true })
    })
    beforeEach(() => {
      store = createStore({ url: server.url })
    })
    afterEach(async () => {
      server.thaw()
      await app?.close()
      app = undefined
      await store.close()
    })
    after(() => server.stop())

    async function visitor(setup: Setup = {}): Promise<ReturnType<typeof browser>> {
      app = await framework.serve({ store, ...setup })
      const opened = browser(app)
      assert.equal((await opened.get('/')).status, 200)
      return opened
    }

    function assertUnavailable({ status, ms, headers }: Answer): void {
      assert.equal(status, 503)
      assert.equal(headers.get('retry-after'), '1')
      assert.ok(ms < 600, `${ms} ms`)
    }

    it('answers 503 to a load at once while frozen, and is well again when thawed', async () => {
      const { get } = await visitor()
      server.freeze()
      for (let n = 0; n < 8; n += 1) assertUnavailable(await get('/'))
      server.thaw()
      await sleep(1500)
      assert.deepEqual((await get('/')).body, { visits: 2 })
    })

    it('keeps sessions over a crash and a restart', async () => {
      const { get } = await visitor()
      await sleep(1200)
      await server.kill()
      assertUnavailable(await get('/'))
      await server.restart()
      await sleep(1500)
      assert.deepEqual((await get('/')).body, { visits: 2 })
    })

    it('boots while Redis is down, and has sessions as soon as it is up', async () => {
      await server.kill()
      await store.close()
      store = createStore({ url: server.url })
      app = await framework.serve({ store })
      const { get } = browser(app)
      assertUnavailable(await get('/', framework.cookieOf('some-session')))
      await server.restart()
      await sleep(1500)
      assert.deepEqual((await get('/')).body, { visits: 1 })
      assert.deepEqual((await get('/')).body, { visits: 2 })
    })

    it('answers 503 to a login that waits for its save', async () => {
      await visitor()
      server.freeze()
      assertUnavailable(await browser(app as App).get('/login?save'))
    })

    it('serves who has no session and asks for none', async () => {
      await visitor()
      server.freeze()
      const { status, body } = await browser(app as App).get('/look')
      assert.deepEqual([status, body], [200, { visits: 0 }])
    })
  })
}

describe('a save that fails', () => {
  let server: TestServer
  let store: Store
  before(async () => {
    server = await startRedis()
    store = createStore({ url: server.url })
  })
  after(async () => {
    server.thaw()
    await store.close()
    await server.stop()
  })

  for (const { name, serve } of loginFrameworks) {
    const [status, cookies] = name === 'express' ? [200, 1] : [503, 0]
    it(`is answered ${status} with ${cookies} cookies by ${name}'s middleware`, async () => {
      const app = await serve({ store })
      await browser(app).get('/')
      server.freeze()
      const visitor = browser(app)
      const answer = await visitor.get('/')
      server.thaw()
      await app.close()
      await sleep(1200)
      assert.deepEqual([answer.status, visitor.cookies.size], [status, cookies])
    })
  }
})

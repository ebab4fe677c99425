import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import { type App, frameworks } from '../support/apps.ts'
import { answer } from '../support/chat-app.ts'
import { allEvents, statusOf, textOf } from '../support/event-stream.ts'
import { latch } from '../support/latch.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

const streams = 1000

for (const framework of frameworks) {
  describe(`a thousand answers at a time on ${framework.name}`, function () {
    this.timeout(120_000)
    let server: TestServer
    let store: Store
    let app: App

    before(async () => {
      server = await startRedis()
    })
    beforeEach(() => {
      store = createStore({ url: server.url, deadline: '1s' })
    })
    afterEach(async () => {
      await app.close()
      await store.close()
    })
    after(() => server.stop())

    it('are given and followed over one connection that listens', async () => {
      const gate = latch()
      app = await framework.serve({ memory: { store } }, (exchange) =>
        answer(exchange, async function* (turn) {
          yield `one of ${turn.id} `
          await gate.opened
          yield 'two'
        }),
      )
      const call = (query: string, session: number) =>
        fetch(`${app.url}/?${query}`, {
          headers: { 'x-user': 'ann', 'x-session-id': `s${session}` },
        })
      const admin = server.client()
      const connections = async () =>
        String(await admin.client('LIST'))
          .split('\n')
          .filter((line) => line !== '').length

      const asked: Response[] = []
      const followed: Response[] = []
      asked.push(await call('ask=go&id=q0', 0))
      followed.push(await call('resume', 0))
      const before = await connections()
      for (let at = 1; at < streams; at += 25) {
        const some = Array.from({ length: Math.min(25, streams - at) }, (_, n) => at + n)
        asked.push(...(await Promise.all(some.map((n) => call(`ask=go&id=q${n}`, n)))))
        followed.push(...(await Promise.all(some.map((n) => call('resume', n)))))
      }
      assert.equal(await connections(), before)
      assert.ok(followed.every(({ status }) => status === 200))
      gate.open()
      const events = await Promise.all([...asked, ...followed].map(allEvents))
      for (const [at, each] of events.entries()) {
        assert.equal(textOf(each), `one of q${at % streams} two`)
        assert.equal(statusOf(each), 'complete')
      }
    })
  })
}

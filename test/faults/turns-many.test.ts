import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import { type App, frameworks } from '../support/apps.ts'
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
      const admin = server.client()
      const connections = async () =>
        String(await admin.client('LIST'))
          .split('\n')
          .filter((line) => line !== '').length
      let counts: number[] = []
      app = await framework.serve({ memory: { store } }, async ({ memory, send }) => {
        const question = { id: 'q', role: 'user', content: 'go' } as const
        const begin = async (session: number) => {
          const turn = await memory.open(`s${session}`).turn(question)
          turn.write(`one of ${session} `)
          const joined = await memory.open(`s${session}`).turn(question)
          return { turn, followed: joined.reply() }
        }
        const begun = [await begin(0)]
        counts = [await connections()]
        for (let at = 1; at < streams; at++) begun.push(await begin(at))
        counts.push(await connections())
        const replies: unknown[] = []
        for (const { turn, followed } of begun) {
          turn.write('two')
          await turn.commit()
          replies.push((await followed)?.content)
        }
        send(200, JSON.stringify(replies))
      })
      const response = await fetch(app.url, { headers: { 'x-user': 'ann' } })
      assert.deepEqual(
        await response.json(),
        Array.from({ length: streams }, (_, at) => `one of ${at} two`),
      )
      assert.equal(counts[0], counts[1])
    })
  })
}

import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import { type App, type Exchange, frameworks } from '../support/apps.ts'
import { type Answers, type ChatApp, serveChat } from '../support/chat-app.ts'
import { allEvents, eventsOf, statusOf, textOf } from '../support/event-stream.ts'
import { eventually } from '../support/eventually.ts'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts'
import { latch } from '../support/latch.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

for (const framework of frameworks) {
  describe(`turns on ${framework.name} whose store is away`, function () {
    this.timeout(40_000)
    let server: TestServer
    let proxy: FaultProxy
    let store: Store
    let other: Store
    const apps: App[] = []

    before(async () => {
      server = await startRedis()
    })
    beforeEach(async () => {
      await server.client().flushall()
      proxy = await startFaultProxy(server)
      store = createStore({ url: proxy.url })
      other = createStore({ url: server.url })
    })
    afterEach(async () => {
      proxy.clear()
      await Promise.all(apps.splice(0).map((app) => app.close()))
      await Promise.all([store.close(), other.close()])
      await proxy.close()
    })
    after(() => server.stop())

    async function serve(of: Store, answers: Answers, options = {}): Promise<ChatApp> {
      const app = await serveChat(framework, of, answers, options)
      apps.push(app)
      return app
    }

    const back = () =>
      eventually('the store is back', async () => {
        await store.get('any')
        return true
      })

    /** What the store itself has, once it is as many messages. */
    const stored = async (count: number) => {
      const reader = await serve(other, () => '')
      return eventually(`${count} messages`, async () => {
        const messages = await reader.history()
        return messages.length >= count ? messages : undefined
      })
    }

    it('go on in the process, and are stored when it is back', async () => {
      const app = await serve(store, async function* (turn) {
        const { messages } = await turn.context()
        yield `${turn.degraded} ${messages.map(({ content }) => content).join()}`
      })
      await allEvents(await app.ask('first'))
      proxy.set({ stall: true })
      const events = await allEvents(await app.ask('second', { id: 'q2' }))
      assert.equal(textOf(events), 'true second')
      assert.equal(statusOf(events), 'complete')
      proxy.clear()
      const messages = await stored(4)
      assert.deepEqual(
        messages.map(({ content }) => content),
        ['first', 'false first', 'second', 'true second'],
      )
      assert.equal(messages[3]?.turn, 'q2')
    })

    it('give the next question its turn after that', async () => {
      const app = await serve(store, (_turn, content) => [`to ${content}`])
      proxy.set({ stall: true })
      await allEvents(await app.ask('first'))
      proxy.clear()
      await back()
      await allEvents(await app.ask('second'))
      const messages = await stored(4)
      assert.deepEqual(
        messages.map(({ content }) => content),
        ['first', 'to first', 'second', 'to second'],
      )
    })

    it('stream on while it is away for a while, and store the whole answer', async () => {
      const gates = [latch(), latch()]
      const app = await serve(store, async function* () {
        yield 'one '
        await gates[0]?.opened
        for (let n = 0; n < 50; n++) yield `${n} `
        await gates[1]?.opened
        yield 'end'
      })
      const events = eventsOf(await app.ask('go'))
      const seen = [(await events.next()).value, (await events.next()).value]
      proxy.set({ stall: true })
      gates[0]?.open()
      while (!textOf(seen).endsWith('49 ')) seen.push((await events.next()).value)
      proxy.clear()
      await back()
      gates[1]?.open()
      for await (const event of events) seen.push(event)
      const [, answer] = await stored(2)
      assert.equal(answer?.content, textOf(seen))
      assert.match(textOf(seen), /^one 0 .*49 end$/)
      assert.equal(answer?.status, undefined)
    })

    it('put the whole answer in the place of what somebody saved of it meanwhile', async () => {
      const gate = latch()
      const app = await serve(
        store,
        async function* () {
          yield 'one '
          await gate.opened
          yield 'two'
        },
        { onStoreError: 'error' },
      )
      const response = await app.ask('go')
      // So that there is something to be saved.
      const follower = await serve(other, () => '')
      await eventually(
        'a piece',
        async () => (await firstDelta(await follower.resume())) || undefined,
      )
      proxy.set({ stall: true })
      const saved = await stored(2)
      assert.deepEqual([saved[1]?.content, saved[1]?.status], ['one ', 'interrupted'])
      proxy.clear()
      await back()
      gate.open()
      await allEvents(response)
      const [, answer] = await eventually('the whole', async () => {
        const messages = await stored(2)
        return messages[1]?.status === undefined ? messages : undefined
      })
      assert.equal(answer?.content, 'one two')
    })

    it('are refused where the application wants an error', async () => {
      const app = await serve(store, () => ['hi'], { onStoreError: 'error' })
      await allEvents(await app.ask('first'))
      proxy.set({ stall: true })
      assert.equal((await app.ask('second')).status, 503)
    })

    it('do not hold up the next when their end has failed', async () => {
      const gate = latch()
      const app = await serve(
        store,
        async function* (_turn, content) {
          yield `to ${content} `
          if (content === 'first') await gate.opened
        },
        { onStoreError: 'error' },
      )
      const response = await app.ask('first')
      const follower = await serve(other, () => ['on'])
      await eventually(
        'a piece',
        async () => (await firstDelta(await follower.resume())) || undefined,
      )
      proxy.set({ refuse: true })
      proxy.reset()
      gate.open()
      assert.equal(statusOf(await allEvents(response)), 'failed')
      proxy.clear()
      await back()
      assert.equal(statusOf(await allEvents(await follower.ask('second'))), 'complete')
      const [, answer] = await stored(4)
      assert.deepEqual([answer?.content, answer?.status], ['to first ', 'interrupted'])
    })

    it('may be committed once more when a commit has failed', async () => {
      const app = await framework.serve(
        { memory: { store, onStoreError: 'error' } },
        async ({ memory, send }: Exchange) => {
          const turn = await memory.turn({ role: 'user', content: 'hello' })
          proxy.set({ stall: true })
          const failed = await turn
            .commit({ role: 'assistant', content: 'hi' })
            .catch((e) => e.code)
          proxy.clear()
          await eventually('a commit', () => turn.commit({ role: 'assistant', content: 'hi' }))
          send(200, failed)
        },
      )
      apps.push(app)
      const response = await fetch(app.url, { headers: { 'x-user': 'ann' } })
      assert.equal(await response.text(), 'ERR_STORE')
      assert.deepEqual(
        (await stored(2)).map(({ content }) => content),
        ['hello', 'hi'],
      )
    })
  })
}

async function firstDelta(response: Response): Promise<boolean> {
  if (response.status === 204) return false
  for await (const { event } of eventsOf(response)) if (event === 'delta') return true
  return false
}

import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import type { Store } from '../../lib/index.ts'
import { frameworks } from '../support/apps.ts'
import { type Answers, type ChatApp, serveChat } from '../support/chat-app.ts'
import { allEvents, statusOf, textOf } from '../support/event-stream.ts'
import { latch } from '../support/latch.ts'
import { testStores } from '../support/stores.ts'

const echo: Answers = (_turn, content) => ['You said ', content, '.']

for (const stores of testStores()) {
  for (const framework of frameworks) {
    describe(`a turn on ${framework.name} over ${stores.name}`, function () {
      this.timeout(10_000)
      let store: Store
      let app: ChatApp

      before(() => stores.start())
      beforeEach(async () => {
        store = await stores.empty()
      })
      afterEach(() => app.close())
      after(() => stores.stop())

      const serve = async (answers: Answers, options = {}) => {
        app = await serveChat(framework, store, answers, options)
      }
      const contents = async () => (await app.history()).map(({ content }) => content)

      it('keeps the question and the streamed answer', async () => {
        await serve(echo)
        const events = await allEvents(await app.ask('hello', { id: 'q1' }))
        assert.equal(textOf(events), 'You said hello.')
        assert.equal(statusOf(events), 'complete')
        const [question, answer, ...more] = await app.history()
        assert.deepEqual([question?.id, question?.content], ['q1', 'hello'])
        assert.deepEqual([answer?.role, answer?.content], ['assistant', 'You said hello.'])
        assert.deepEqual([answer?.turn, answer?.status], ['q1', undefined])
        assert.equal(more.length, 0)
      })

      it('announces the id under which the answer is stored', async () => {
        await serve(echo)
        const [start] = await allEvents(await app.ask('hello', { id: 'q1' }))
        const [, answer] = await app.history()
        assert.deepEqual(JSON.parse(start?.data ?? ''), { message: answer?.id, turn: 'q1' })
        assert.match(answer?.id ?? '', /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/)
      })

      it('numbers the pieces from 1', async () => {
        await serve(echo)
        const events = await allEvents(await app.ask('hello', { id: 'q 1' }))
        const ids = events.map(({ id }) => id).filter((id) => id !== undefined)
        assert.deepEqual(
          ids,
          ids.map((_, at) => `q%201:${at + 1}`),
        )
        assert.ok(ids.length >= 3)
      })

      it('keeps an answer that was committed whole', async () => {
        await serve(echo)
        const response = await app.ask('hello', { plain: true })
        assert.equal(response.status, 200)
        assert.deepEqual(await contents(), ['hello', 'You said ,hello,.'])
      })

      it('gives the stored answer to the same question, and does not ask again', async () => {
        let asked = 0
        await serve(() => {
          asked += 1
          return ['once']
        })
        const first = await allEvents(await app.ask('hello', { id: 'q1' }))
        const again = await allEvents(await app.ask('hello', { id: 'q1' }))
        assert.deepEqual(again, first)
        assert.equal(asked, 1)
        assert.deepEqual(await contents(), ['hello', 'once'])
      })

      it('refuses another question with the same id', async () => {
        await serve(echo)
        await allEvents(await app.ask('hello', { id: 'q1' }))
        const response = await app.ask('goodbye', { id: 'q1' })
        assert.equal(response.status, 409)
        assert.deepEqual(await contents(), ['hello', 'You said hello.'])
      })

      it('joins the request that answers the same question', async () => {
        let asked = 0
        const gate = latch()
        await serve(async function* () {
          asked += 1
          yield 'one '
          await gate.opened
          yield 'two'
        })
        const first = await app.ask('hello', { id: 'q1' })
        const second = await app.ask('hello', { id: 'q1' })
        gate.open()
        const [one, two] = await Promise.all([allEvents(first), allEvents(second)])
        assert.equal(textOf(two), 'one two')
        assert.deepEqual(two, one)
        assert.equal(asked, 1)
      })

      it('answers two questions one after the other', async () => {
        await serve(async function* (turn) {
          const { messages } = await turn.context()
          yield `${messages.length}`
        })
        await Promise.all(['a', 'b', 'c'].map(async (text) => allEvents(await app.ask(text))))
        const kept = await app.history()
        assert.deepEqual(
          kept.map(({ role }) => role),
          ['user', 'assistant', 'user', 'assistant', 'user', 'assistant'],
        )
        assert.deepEqual(
          kept.filter(({ role }) => role === 'assistant').map(({ content }) => content),
          ['1', '3', '5'],
        )
      })

      it('refuses a second question at once where turns are rejected', async () => {
        const gate = latch()
        await serve(
          async function* () {
            yield 'one'
            await gate.opened
          },
          { turns: 'reject' },
        )
        const first = await app.ask('a')
        const second = await app.ask('b')
        assert.equal(second.status, 409)
        assert.equal(second.headers.get('retry-after'), '1')
        gate.open()
        await allEvents(first)
        assert.deepEqual(await contents(), ['a', 'one'])
      })

      it('answers two questions side by side where turns interleave', async () => {
        const gates = { a: latch(), b: latch() }
        await serve(
          async function* (_turn, content) {
            yield `to ${content}`
            await gates[content as 'a' | 'b'].opened
          },
          { turns: 'interleave' },
        )
        const first = await app.ask('a', { id: 'qa' })
        const second = await app.ask('b', { id: 'qb' })
        gates.b.open()
        await allEvents(second)
        gates.a.open()
        await allEvents(first)
        assert.deepEqual(await contents(), ['a', 'b', 'to b', 'to a'])
        assert.deepEqual((await app.history()).map(({ turn }) => turn).slice(2), ['qb', 'qa'])
      })

      it('goes on when the client has gone', async () => {
        const gate = latch()
        const done = latch()
        await serve(async function* () {
          yield 'one '
          await gate.opened
          yield 'two'
          done.open()
        })
        const gone = new AbortController()
        const response = await app.ask('hello', { signal: gone.signal })
        await response.body?.getReader().read()
        gone.abort()
        gate.open()
        await done.opened
        const again = await app.ask('next')
        await allEvents(again)
        assert.deepEqual((await contents()).slice(0, 2), ['hello', 'one two'])
      })

      it('stores what was said before the source failed, and tells the client', async () => {
        await serve(async function* () {
          yield 'half'
          throw new Error('model away')
        })
        const events = await allEvents(await app.ask('hello', { id: 'q1' }))
        assert.equal(textOf(events), 'half')
        assert.equal(statusOf(events), 'failed')
        const [, answer] = await app.history()
        assert.deepEqual([answer?.content, answer?.status], ['half', 'interrupted'])
      })

      it('replays a partial answer with its status', async () => {
        await serve(async function* () {
          yield 'half'
          throw new Error('model away')
        })
        await allEvents(await app.ask('hello', { id: 'q1' }))
        const again = await allEvents(await app.ask('hello', { id: 'q1' }))
        assert.equal(textOf(again), 'half')
        assert.equal(statusOf(again), 'interrupted')
      })

      it('runs a stored question again that nothing answers', async () => {
        let asked = 0
        await serve(async function* () {
          asked += 1
          if (asked === 1) throw new Error('model away')
          yield 'answer'
        })
        await allEvents(await app.ask('hello', { id: 'q1' }))
        const again = await allEvents(await app.ask('hello', { id: 'q1' }))
        assert.equal(textOf(again), 'answer')
        assert.deepEqual(await contents(), ['hello', 'answer'])
      })

      it('stops, keeps what was said, and ends the source', async () => {
        const ended = latch()
        await serve(async function* () {
          try {
            yield 'half'
            await new Promise(() => {})
          } finally {
            ended.open()
          }
        })
        const response = await app.ask('hello')
        assert.equal(await app.stop(), true)
        const events = await allEvents(response)
        assert.equal(textOf(events), 'half')
        assert.equal(statusOf(events), 'aborted')
        const [, answer] = await app.history()
        assert.deepEqual([answer?.content, answer?.status], ['half', 'aborted'])
        assert.equal(await app.stop(), false)
      })

      it('takes nothing but a message of a user', async () => {
        app = Object.assign(
          await framework.serve({ memory: { store } }, async ({ memory, query, send }) => {
            await memory.turn({ role: query.get('role') as 'user', content: 'forged' })
            send(200, 'ok')
          }),
        ) as ChatApp
        for (const role of ['system', 'developer', 'assistant', 'tool', 'root']) {
          const { status } = await fetch(`${app.url}/?role=${role}`)
          assert.equal(status, 400, role)
        }
      })
    })
  }
}

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import type { Store } from '../../lib/index.ts'
import { frameworks } from '../support/apps.ts'
import { type Answers, type ChatApp, serveChat } from '../support/chat-app.ts'
import { allEvents, eventsOf, type StreamEvent, statusOf, textOf } from '../support/event-stream.ts'
import { latch } from '../support/latch.ts'
import { testStores } from '../support/stores.ts'

for (const stores of testStores()) {
  for (const framework of frameworks) {
    describe(`an answer resumed on ${framework.name} over ${stores.name}`, function () {
      this.timeout(20_000)
      let store: Store
      const apps: ChatApp[] = []

      before(() => stores.start())
      beforeEach(async () => {
        store = await stores.empty()
      })
      afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())))
      after(() => stores.stop())

      const serve = async (answers: Answers) => {
        const app = await serveChat(framework, store, answers)
        apps.push(app)
        return app
      }

      it('loses and doubles no character, wherever it was cut', async () => {
        let words: string[] = []
        let asked = 0
        const gates = new Map<string, ReturnType<typeof latch>>()
        const app = await serve(async function* (turn) {
          for (const [at, word] of words.entries()) {
            if (at === Math.floor(words.length / 2)) await gates.get(turn.id)?.opened
            yield word
          }
        })
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.string({ minLength: 1, unit: 'grapheme' }), {
              minLength: 1,
              maxLength: 30,
            }),
            fc.nat(40),
            async (said, cutAt) => {
              words = said
              asked += 1
              const id = `q${asked}`
              const gate = latch()
              gates.set(id, gate)
              const response = await app.ask('go on', { id })
              setTimeout(gate.open, 1)
              const seen = await upTo(response, cutAt)
              const rest = await app.resume(seen.at(-1)?.id ?? `${id}:0`)
              const more = rest.status === 204 ? [] : await allEvents(rest)
              assert.equal(textOf([...seen, ...more]), said.join(''))
            },
          ),
          { numRuns: 15 },
        )
      })

      it('goes on live, from the piece after the last', async () => {
        const gate = latch()
        const app = await serve(async function* () {
          yield 'one '
          yield 'two '
          await gate.opened
          yield 'three'
        })
        const first = await app.ask('go on', { id: 'q1' })
        const seen = await upTo(first, 3)
        const resumed = await app.resume(seen.at(-1)?.id)
        gate.open()
        const events = await allEvents(resumed)
        assert.equal(textOf([...seen, ...events]), 'one two three')
        assert.equal(statusOf(events), 'complete')
      })

      it('finds the running turn by itself', async () => {
        const gate = latch()
        const app = await serve(async function* () {
          yield 'one '
          await gate.opened
          yield 'two'
        })
        const first = await app.ask('go on')
        const resumed = await app.resume()
        gate.open()
        assert.equal(textOf(await allEvents(resumed)), 'one two')
        assert.equal(textOf(await allEvents(first)), 'one two')
      })

      it('sends the rest of a turn that has ended', async () => {
        const app = await serve(() => ['one ', 'two ', 'three'])
        const events = await allEvents(await app.ask('go on'))
        const numbered = events.filter(({ id }) => id !== undefined)
        for (const [at, { id }] of numbered.entries()) {
          if (at === numbered.length - 1) continue
          const rest = await allEvents(await app.resume(id))
          assert.deepEqual(
            rest.filter((event) => event.id !== undefined),
            numbered.slice(at + 1),
          )
        }
      })

      it('answers 204 to whoever has seen the end', async () => {
        const app = await serve(() => ['one'])
        const events = await allEvents(await app.ask('go on'))
        const { status } = await app.resume(events.at(-1)?.id)
        assert.equal(status, 204)
      })

      it('answers 204 where nothing runs', async () => {
        const app = await serve(() => ['one'])
        assert.equal((await app.resume()).status, 204)
        await allEvents(await app.ask('go on', { id: 'q1' }))
        assert.equal((await app.resume()).status, 204)
      })

      it('answers 204 to an id of no turn of this session', async () => {
        const app = await serve(() => ['one'])
        await allEvents(await app.ask('go on', { id: 'q1' }))
        for (const id of ['q2:1', 'q1', 'q1:-1', ':1', 'x'.repeat(2000), 'q1:1:1'])
          assert.equal((await app.resume(id)).status, 204, id)
      })

      it('tells nothing to another user', async () => {
        const gate = latch()
        const app = await serve(async function* () {
          yield 'secret'
          await gate.opened
        })
        const response = await app.ask('go on', { id: 'q1' })
        const seen = await upTo(response, 2)
        const stranger = await fetch(`${app.url}/?resume`, {
          headers: { 'x-user': 'bob', 'last-event-id': seen.at(-1)?.id ?? '' },
        })
        assert.equal(stranger.status, 204)
        gate.open()
      })

      it('ends when the turn is stopped', async () => {
        const app = await serve(async function* () {
          yield 'half'
          await new Promise(() => {})
        })
        const response = await app.ask('go on')
        const resumed = await app.resume()
        await app.stop()
        const events = await allEvents(resumed)
        assert.equal(textOf(events), 'half')
        assert.equal(statusOf(events), 'aborted')
        await allEvents(response)
      })
    })
  }
}

/** Reads so many events and goes away. */
async function upTo(response: Response, count: number): Promise<StreamEvent[]> {
  const events: StreamEvent[] = []
  if (count === 0) return events
  for await (const event of eventsOf(response)) {
    events.push(event)
    if (events.length === count) break
  }
  return events
}

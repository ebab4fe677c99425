import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { type Memory, OptionError, type Store, type Turn } from '../../lib/index.ts'
import { type App, type Exchange, frameworks, type Mounts } from '../support/apps.ts'
import { allEvents, textOf } from '../support/event-stream.ts'
import { latch } from '../support/latch.ts'
import { testStores } from '../support/stores.ts'

for (const stores of testStores()) {
  for (const framework of frameworks) {
    describe(`the end of a turn on ${framework.name} over ${stores.name}`, function () {
      this.timeout(10_000)
      let store: Store
      let app: App
      let task: (memory: Memory, exchange: Exchange) => unknown

      before(() => stores.start())
      beforeEach(async () => {
        store = await stores.empty()
      })
      afterEach(() => app.close())
      after(() => stores.stop())

      async function serve(options: Mounts['memory'] = {}, mounts: Mounts = {}): Promise<void> {
        app = await framework.serve(
          { ...mounts, memory: { store, ...options } },
          async (exchange) => {
            const result = await task(exchange.memory, exchange)
            if (result !== 'piped') exchange.send(200, JSON.stringify(result ?? null))
          },
        )
      }

      /** Does something with the memory of a request of ann's. */
      async function run(does: typeof task): Promise<Response> {
        task = does
        return fetch(app.url, { headers: { 'x-user': 'ann' } })
      }
      const result = async <T>(does: (memory: Memory) => Promise<T>): Promise<T> => {
        const response = await run(does)
        const text = await response.text()
        assert.equal(response.status, 200, text)
        return JSON.parse(text) as T
      }
      const ask = (memory: Memory, id = 'q1') => memory.turn({ id, role: 'user', content: 'hello' })
      const kept = () => result(async (memory) => (await memory.history()).items)
      const code = (promise: Promise<unknown>) =>
        promise.then(
          () => 'none',
          (error) => `${error.code} ${error.status}`,
        )

      it('is a commit, once', async () => {
        await serve()
        const codes = await result(async (memory) => {
          const turn = await ask(memory)
          await turn.commit({ role: 'assistant', content: 'hi' })
          return [await code(turn.commit()), await code(turn.abort())]
        })
        assert.deepEqual(codes, ['ERR_USAGE 500', 'ERR_USAGE 500'])
        assert.equal((await kept()).length, 2)
      })

      it('refuses what is of no assistant and no tool, and goes on', async () => {
        await serve()
        const codes = await result(async (memory) => {
          const turn = await ask(memory)
          const refused = await code(turn.commit({ role: 'user', content: 'forged' }))
          await turn.commit({ role: 'assistant', content: 'hi' })
          return [refused]
        })
        assert.deepEqual(codes, ['ERR_USAGE 500'])
        assert.deepEqual(
          (await kept()).map(({ content }) => content),
          ['hello', 'hi'],
        )
      })

      it('stores what was written where nothing else is committed', async () => {
        await serve()
        await result(async (memory) => {
          const turn = await ask(memory)
          turn.write('one ')
          turn.write('two')
          return turn.commit()
        })
        const [, answer] = await kept()
        assert.deepEqual([answer?.content, 'status' in (answer ?? {})], ['one two', false])
      })

      it('stores what was written as aborted, and aborts the signal', async () => {
        await serve()
        const { aborted, stored } = await result(async (memory) => {
          const turn = await ask(memory)
          turn.write('half')
          const answer = await turn.abort()
          return { aborted: turn.signal.aborted, stored: answer }
        })
        assert.equal(aborted, true)
        assert.deepEqual([stored?.content, stored?.status], ['half', 'aborted'])
        assert.deepEqual((await kept()).at(-1), stored)
      })

      it('stores all messages of an answer, and gives them to who asks again', async () => {
        await serve()
        const call = { id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }
        const replies = await result(async (memory) => {
          const turn = await ask(memory)
          await turn.commit([
            { role: 'assistant', content: null, tool_calls: [call] } as never,
            { role: 'tool', content: 'found', tool_call_id: 'c1' } as never,
            { role: 'assistant', content: 'done' },
          ])
          const again = await ask(memory)
          return [...again.replies, again.replay]
        })
        assert.deepEqual(
          replies.map((reply) => reply?.content),
          [null, 'found', 'done', 'done'],
        )
        assert.deepEqual(new Set(replies.map((reply) => reply?.turn)), new Set(['q1']))
        assert.equal(new Set(replies.map((reply) => reply?.id)).size, 3)
      })

      it('gives a retry the stored answer when others have followed', async () => {
        await serve({ context: { messages: 4 } })
        const replay = await result(async (memory) => {
          for (const id of ['q1', 'q2', 'q3', 'q4']) {
            const turn = await ask(memory, id)
            await turn.commit({ role: 'assistant', content: `to ${id}` })
          }
          return (await ask(memory, 'q1')).replay
        })
        assert.equal(replay?.content, 'to q1')
      })

      it('does not come when the session was deleted meanwhile', async () => {
        await serve()
        const codes = await result(async (memory) => {
          const turn = await ask(memory)
          await memory.delete()
          return [await code(turn.commit({ role: 'assistant', content: 'late' }))]
        })
        assert.deepEqual(codes, ['ERR_STORE 409'])
        assert.deepEqual(await kept(), [])
      })

      it('aborts the signal of a turn whose session was deleted', async () => {
        await serve()
        const ended = await result(async (memory) => {
          const turn = await ask(memory)
          await memory.delete()
          turn.write('more')
          if (!turn.signal.aborted) await once(turn.signal, 'abort')
          return code(turn.abort())
        })
        assert.equal(ended, 'ERR_STORE 409')
      })

      it('comes with the failure of a handler that left it open', async () => {
        await serve()
        const failed = await run(async (memory) => {
          const turn = await ask(memory)
          turn.write('half')
          throw new Error('a fault of the application')
        })
        assert.equal(failed.status, 500)
        await result(async (memory) => (await ask(memory, 'q2')).commit())
        const [, answer] = await kept()
        assert.deepEqual([answer?.content, answer?.status], ['half', 'aborted'])
      })

      it('hands out answers without what this package has noted on them', async () => {
        await serve()
        const { messages } = await result(async (memory) => {
          const turn = await ask(memory)
          turn.write('half')
          await turn.abort()
          return memory.context({ as: 'openai' })
        })
        assert.deepEqual(messages, [
          { role: 'user', content: 'hello' },
          { role: 'assistant', content: 'half' },
        ])
      })

      it('gives who joins the stored answer', async () => {
        await serve()
        const [one, two] = await result(async (memory) => {
          const first = await ask(memory)
          const second = await ask(memory)
          assert.equal(second.joined, true)
          const reply = second.reply()
          await first.commit({ role: 'assistant', content: 'hi' })
          return Promise.all([first.reply(), reply])
        })
        assert.equal(one?.content, 'hi')
        assert.deepEqual(two, one)
      })

      it('keeps the question of a turn at the end of its context', async () => {
        await serve()
        const contents = await result(async (memory) => {
          const first = await ask(memory, 'q1')
          await first.commit({ role: 'assistant', content: 'hi' })
          const second = await memory.turn({ role: 'user', content: 'and now?' })
          const { messages } = await second.context()
          await second.abort()
          return messages.map(({ content }) => content)
        })
        assert.deepEqual(contents, ['hello', 'hi', 'and now?'])
      })

      it('reaches a turn that waits for a model by its signal', async () => {
        await serve()
        const started = latch()
        let turn: Turn | undefined
        const first = run(async (memory) => {
          turn = await ask(memory)
          turn.write('half')
          const aborted = once(turn.signal, 'abort')
          started.open()
          await aborted
          return turn.commit()
        })
        await started.opened
        assert.equal(await result((memory) => memory.stop('another')), false)
        assert.equal(await result((memory) => memory.stop(turn?.id)), true)
        const stored = (await (await first).json()) as { status: string }
        assert.equal(stored.status, 'aborted')
      })

      it('leaves the cookie of a guest on the answer', async () => {
        await serve({}, { signIn: false })
        const response = await run(async (memory, { target }) => {
          const turn = await ask(memory)
          await turn.pipe(['hi'], target)
          return 'piped'
        })
        assert.match(response.headers.get('set-cookie') ?? '', /^memoryware\.guest=/)
        assert.equal(textOf(await allEvents(response)), 'hi')
      })

      it('sends text where text is asked for', async () => {
        await serve()
        const response = await run(async (memory, { target }) => {
          const turn = await ask(memory)
          await turn.pipe(['one ', 'two'], target, { as: 'text' })
          return 'piped'
        })
        assert.match(response.headers.get('content-type') ?? '', /^text\/plain/)
        assert.equal(await response.text(), 'one two')
      })

      it('is refused at mount for a mode of turns that there is not', async () => {
        await assert.rejects(serve({ turns: 'ask' as never }), OptionError)
        await serve()
      })
    })
  }
}

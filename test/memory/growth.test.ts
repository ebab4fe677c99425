import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import type { ErrorEvent, Memory, Store, Summarize } from '../../lib/index.ts'
import { sessionKeys } from '../../lib/keys.ts'
import type { Mounts } from '../support/apps.ts'
import { eventually } from '../support/eventually.ts'
import { type Memories, serveMemories } from '../support/memories.ts'
import { testStores } from '../support/stores.ts'

for (const stores of testStores()) {
  describe(`what follows an append over ${stores.name}`, () => {
    let store: Store
    let memories: Memories | undefined
    let failures: ErrorEvent[] = []
    const listen = (event: unknown) => failures.push(event as ErrorEvent)

    before(() => stores.start())
    beforeEach(async () => {
      store = await stores.empty()
      failures = []
      subscribe('memoryware:error', listen)
    })
    afterEach(async () => {
      unsubscribe('memoryware:error', listen)
      await memories?.close()
    })
    after(() => stores.stop())

    async function serve(options: Mounts['memory']): Promise<Memories> {
      memories = await serveMemories(store, options)
      return memories
    }

    const ask = (memory: Memory, n: number) =>
      memory.append([
        { role: 'user', content: `q${n}` },
        { role: 'assistant', content: `a${n}` },
      ])
    const listed = async (memory: Memory) =>
      (await memory.sessions.list({ limit: 100 })).items.map(({ id }) => id)
    const metaOf = async () => {
      const range = { limit: 0, before: undefined, ttlMs: undefined }
      return (await store.history.read(sessionKeys('ann', 'default'), range)).meta
    }

    it('drops the sessions that were not active for longest, and no pinned one', async () => {
      const { ann } = await serve({ maxSessions: 3 })
      await ann(async (memory) => {
        await memory.open('pinned').set({ pinned: true })
        for (const id of ['s1', 's2', 's3']) {
          await memory.open(id).append({ role: 'user', content: id })
          await sleep(2)
        }
      })
      const left = await eventually('the oldest is gone', async () => {
        const ids = await ann(listed)
        return ids.length === 3 ? ids : undefined
      })
      assert.deepEqual(left.toSorted(), ['pinned', 's2', 's3'])
    })

    it('drops sessions where set, fork or state made one more', async () => {
      const { ann } = await serve({ maxSessions: 1 })
      for (const make of [
        (memory: Memory) => memory.open('by-set').set({ title: 'x' }),
        async (memory: Memory) => {
          await memory.open('by-state').state.set({ step: 1 })
          await memory.open('by-state').append({ role: 'user', content: 'x' })
        },
        (memory: Memory) => memory.open('by-state').fork(),
      ]) {
        await ann<unknown>(make)
        await eventually('one is left', async () =>
          (await ann(listed)).length === 1 ? true : undefined,
        )
      }
    })

    it('titles a session once its first answer is stored, by a function called once', async () => {
      const calls: unknown[] = []
      const { ann } = await serve({
        title: async (messages) => {
          calls.push(messages.map(({ content }) => content))
          return '  About\n everything  '
        },
      })
      await ann((memory) => memory.append({ role: 'user', content: 'q' }))
      assert.equal((await ann((memory) => memory.info()))?.title, undefined)
      await ann((memory) => memory.append({ role: 'assistant', content: 'a' }))
      const title = await eventually('a title', async () =>
        ann(async (memory) => (await memory.info())?.title),
      )
      for (let n = 0; n < 3; n += 1) await ann((memory) => ask(memory, n))
      assert.equal(title, 'About everything')
      assert.deepEqual(calls, [['q', 'a']])
    })

    it('leaves a title that was given while the function thought', async () => {
      let answer = (_: string) => {}
      const thought = new Promise<string>((resolve) => {
        answer = resolve
      })
      const { amend } = store.history
      let amends = 0
      Object.assign(store.history, {
        amend: async (...args: Parameters<typeof amend>) => {
          const changed = await amend(...args)
          amends += 1
          return changed
        },
      })
      let asked = false
      const title = () => {
        asked = true
        return thought
      }
      const { ann } = await serve({ title })
      await ann((memory) => ask(memory, 1))
      await eventually('a title was asked for', async () => asked || undefined)
      await ann((memory) => memory.set({ title: 'renamed' }))
      answer('generated')
      await eventually('the title was offered', async () => (amends > 1 ? true : undefined))
      assert.equal((await ann((memory) => memory.info()))?.title, 'renamed')
    })

    it('leaves a session that is not the one it was asked about', async () => {
      const answers: ((title: string) => void)[] = []
      const title = () => new Promise<string>((resolve) => answers.push(resolve))
      const { ann } = await serve({ title })
      await ann((memory) => ask(memory, 1))
      await eventually('the function is asked', async () => answers[0])
      await ann((memory) => memory.delete())
      await ann((memory) => memory.append({ role: 'user', content: 'q2' }))
      let done = 0
      const { read, amend } = store.history
      const counted =
        <Args extends unknown[], T>(call: (...args: Args) => Promise<T>) =>
        async (...args: Args): Promise<T> => {
          const result = await call(...args)
          done += 1
          return result
        }
      Object.assign(store.history, { read: counted(read), amend: counted(amend) })
      answers[0]?.('About what was deleted')
      await eventually('the title was offered', async () => (done > 0 ? true : undefined))
      assert.equal((await ann((memory) => memory.info()))?.title, undefined)
      await ann((memory) => memory.append({ role: 'assistant', content: 'a2' }))
      await eventually('the function is asked again', async () => answers[1])
      answers[1]?.('About what there is')
      const given = await eventually('a title', async () =>
        ann(async (memory) => (await memory.info())?.title),
      )
      assert.equal(given, 'About what there is')
    })

    it('publishes what a title function throws, or gives that is none', async () => {
      const given: unknown[] = [new Error('no model'), 'x'.repeat(1001), ' ', 7]
      const { ann } = await serve({
        title: () => {
          const next = given.shift()
          if (next instanceof Error) throw next
          return next as string
        },
      })
      for (const count of [1, 2, 3, 4]) {
        const session = (memory: Memory) => memory.open(`s${count}`)
        await ann((memory) => ask(session(memory), count))
        await eventually('a failure', async () => (failures.length === count ? true : undefined))
        assert.equal((await ann((memory) => session(memory).info()))?.title, undefined)
      }
      assert.deepEqual([...new Set(failures.map(({ during }) => during))], ['title'])
    })

    /** A summariser that tells what it was given. */
    function recorder(): { summarize: Summarize; calls: [string[], string | undefined][] } {
      const calls: [string[], string | undefined][] = []
      const summarize: Summarize = (dropped, previous) => {
        calls.push([dropped.map(({ content }) => String(content)), previous])
        return `${previous ?? ''}${dropped.length};`
      }
      return { summarize, calls }
    }

    it('sums up each message that left the window exactly once, in order', async () => {
      const { summarize, calls } = recorder()
      const { ann } = await serve({ context: { messages: 10 }, summarize })
      for (let n = 0; n < 20; n += 1) {
        const before = calls.length
        await ann((memory) => ask(memory, n))
        const { head } = await ann(async (memory) => {
          const { messages } = await memory.context({ messages: 10 })
          const first = messages.find(({ role }) => role === 'user')
          return { head: Number(String(first?.content).slice(1)) }
        })
        const through = await eventually('a summary up to the window', async () => {
          const meta = await metaOf()
          return (meta?.summary?.through ?? 0) === head * 2 ? head * 2 : undefined
        })
        assert.ok(calls.length - before <= 1)
        assert.equal(calls.flatMap(([dropped]) => dropped).length, through)
      }
      const all = Array.from({ length: 20 }, (_, n) => [`q${n}`, `a${n}`]).flat()
      const dropped = calls.flatMap(([contents]) => contents)
      assert.deepEqual(dropped, all.slice(0, dropped.length))
      assert.ok(dropped.length >= 30)
      const told = calls.map(([contents]) => `${contents.length};`)
      assert.deepEqual(
        calls.map(([, previous]) => previous ?? ''),
        told.map((_, at) => told.slice(0, at).join('')),
      )
      assert.deepEqual(failures, [])
    })

    it('publishes what a summariser throws, keeps windows valid, and tries again', async () => {
      let broken = true
      const { summarize, calls } = recorder()
      const { ann } = await serve({
        context: { messages: 4 },
        summarize: (...given) => {
          if (broken) throw new Error('no model')
          return summarize(...given)
        },
      })
      for (let n = 0; n < 5; n += 1) await ann((memory) => ask(memory, n))
      await eventually('a failure', async () => (failures.length > 0 ? true : undefined))
      const window = await ann((memory) => memory.context())
      assert.match(String(window.messages[0]?.content), /^q/)
      assert.equal(window.messages.at(-1)?.content, 'a4')
      broken = false
      await ann((memory) => ask(memory, 5))
      await eventually('a summary', async () => (await metaOf())?.summary)
      assert.equal(calls[0]?.[0][0], 'q0')
      assert.ok(failures.every(({ during }) => during === 'summarize'))
    })

    it('calls a summariser that hangs once at a time, and goes on without it', async () => {
      let calls = 0
      const signals: AbortSignal[] = []
      const { ann } = await serve({
        context: { messages: 4 },
        summarize: (_dropped, _previous, signal) => {
          calls += 1
          signals.push(signal)
          return new Promise(() => {})
        },
      })
      for (let n = 0; n < 8; n += 1) await ann((memory) => ask(memory, n))
      await eventually('the call', async () => (calls > 0 ? true : undefined))
      await ann((memory) => ask(memory, 8))
      const { messages } = await ann((memory) => memory.context())
      assert.equal(messages.at(-1)?.content, 'a8')
      assert.equal(calls, 1)
      assert.equal(signals[0]?.aborted, false)
    })

    it('keeps no summary of messages that were rewound meanwhile', async () => {
      let answer = (_: string) => {}
      let calls = 0
      const { ann } = await serve({
        context: { messages: 4 },
        summarize: () => {
          calls += 1
          return new Promise((resolve) => {
            answer = resolve
          })
        },
      })
      const first = { id: 'first', role: 'user', content: 'q' } as const
      await ann((memory) => memory.append(first))
      for (let n = 0; n < 5; n += 1) await ann((memory) => ask(memory, n))
      await eventually('the call', async () => (calls > 0 ? true : undefined))
      await ann((memory) => memory.rewind('first'))
      for (let n = 0; n < 5; n += 1) await ann((memory) => ask(memory, n))
      answer('of what is gone')
      // Only once the first is done a second begins.
      await eventually('the next call', async () => {
        await ann((memory) => ask(memory, 9))
        return calls > 1 ? true : undefined
      })
      assert.equal((await metaOf())?.summary, undefined)
    })
  })
}

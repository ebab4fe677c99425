import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { answerId } from '../../lib/history/answer-entries.ts'
import { encodeMessageId } from '../../lib/history/message-id.ts'
import { createWaitingLines } from '../../lib/history/waiting-lines.ts'
import type { Memory, Store, Turn } from '../../lib/index.ts'
import { sessionKeys } from '../../lib/keys.ts'
import { type App, type Exchange, frameworks } from '../support/apps.ts'
import { allEvents, statusOf, textOf } from '../support/event-stream.ts'
import { latch } from '../support/latch.ts'
import { bothProviders } from '../support/stores.ts'

const keys = sessionKeys('ann', 'default')
const bounds = { ttlMs: 60_000, max: 200, keep: 150, ifRev: undefined, title: undefined }

for (const stores of bothProviders()) {
  for (const framework of frameworks) {
    describe(`a turn in trouble on ${framework.name} over ${stores.name}`, function () {
      this.timeout(10_000)
      let store: Store
      let app: App
      let task: (memory: Memory, exchange: Exchange) => unknown

      before(() => stores.start())
      beforeEach(async () => {
        store = await stores.empty()
        app = await framework.serve({ memory: { store } }, async (exchange) => {
          const result = await task(exchange.memory, exchange)
          if (result !== 'piped') exchange.send(200, JSON.stringify(result ?? null))
        })
      })
      afterEach(() => app.close())
      after(() => stores.stop())

      async function run(does: typeof task, init: RequestInit = {}): Promise<Response> {
        task = does
        return fetch(app.url, { ...init, headers: { 'x-user': 'ann' } })
      }
      const result = async <T>(does: (memory: Memory) => Promise<T>): Promise<T> => {
        const response = await run(does)
        const text = await response.text()
        assert.equal(response.status, 200, text)
        return JSON.parse(text) as T
      }
      const ask = (memory: Memory, id: string, signal?: AbortSignal) =>
        memory.turn({ id, role: 'user', content: 'hello' }, signal ? { signal } : {})
      const kept = () => result(async (memory) => (await memory.history()).items)
      /** Asks the next question, which is not to wait long. */
      const next = () =>
        result(async (memory) => {
          const turn = await ask(memory, 'next', AbortSignal.timeout(3000))
          return turn.commit({ role: 'assistant', content: 'and so on' })
        })

      it('ends when what it is to pipe is no source', async () => {
        const response = await run(async (memory, { target }) => {
          const turn = await ask(memory, 'q1')
          await turn.pipe({ choices: [] } as never, target)
        })
        assert.equal(statusOf(await allEvents(response)), 'failed')
        await next()
      })

      it('ends when more was written than can be stored', async () => {
        const response = await run(async (memory) => {
          const turn = await ask(memory, 'q1')
          turn.write('x'.repeat(1_100_000))
          return turn.commit()
        })
        assert.equal(response.status, 413)
        await next()
      })

      it('is over when nobody can store what a process that died has said of it', async () => {
        const { turns } = store
        const first = { id: 'q1', role: 'u', tokens: 1, payload: Buffer.from('{}') } as const
        const claim = { token: 't1', runner: 'gone', leaseMs: 1, alone: true }
        await turns.begin(keys, first, claim, bounds, 1)
        const hold = { turn: 'q1', token: 't1' }
        const batch = { last: 1, bytes: Buffer.from('not what this package writes') }
        await turns.write(keys, hold, batch, { leaseMs: 1, keepMs: 60_000 })
        await next()
      })

      it('stores the whole of an answer that somebody saved in part while this process stood still', async () => {
        await result(async (memory) => {
          const turn = await ask(memory, 'q1')
          const { record } = await store.turns.look(keys, 'q1', 0, 0)
          const token = record?.token ?? ''
          const part = { role: 'assistant', content: 'ha', turn: 'q1', status: 'interrupted' }
          const entry = {
            id: encodeMessageId(answerId(token)),
            role: 'a',
            tokens: 1,
            payload: Buffer.from(JSON.stringify(part)),
          } as const
          const how = { lapsed: false, keepMs: 60_000 }
          await store.turns.end(keys, { turn: 'q1', token }, [entry], bounds, how)
          return turn.commit({ role: 'assistant', content: 'hallo' })
        })
        const [, answer] = await kept()
        assert.deepEqual([answer?.content, answer?.status], ['hallo', undefined])
      })

      it('sends a long answer again, and to who resumes it, whole', async () => {
        const words = Array.from({ length: 16_000 }, (_, at) => `${at}`.padEnd(50, '.'))
        const ask1 = async (memory: Memory, { target }: Exchange) => {
          const turn = await ask(memory, 'q1')
          await turn.pipe(turn.replay ? undefined : words, target)
          return 'piped'
        }
        const first = await allEvents(await run(ask1))
        assert.equal(textOf(first), words.join(''))
        const again = await allEvents(await run(ask1))
        assert.equal(textOf(again), words.join(''))
        assert.equal(statusOf(again), 'complete')
        const resumed = await run(async (memory, { target }) => {
          await memory.resume(target, { lastEventId: 'q1:0' })
          return 'piped'
        })
        const events = await allEvents(resumed)
        assert.equal(textOf(events), words.join(''))
        assert.equal(statusOf(events), 'complete')
      })

      it('sends a piece that is larger than what may wait for a client', async () => {
        const text = 'x'.repeat(900_000)
        const response = await run(async (memory, { target }) => {
          const turn = await ask(memory, 'q1')
          await turn.pipe([text, text, text], target).catch(() => {})
          return 'piped'
        })
        assert.equal(textOf(await allEvents(response)).length, 2_700_000)
      })

      it('keeps large pieces for who comes later, however fast they come', async () => {
        const texts = ['a', 'b', 'c'].map((letter) => letter.repeat(1_100_000))
        const first = await run(async (memory, { target }) => {
          const turn = await ask(memory, 'q1')
          await turn.pipe(texts, target).catch(() => {})
          return 'piped'
        })
        await allEvents(first)
        const resumed = await run(async (memory, { target }) => {
          await memory.resume(target, { lastEventId: 'q1:0' })
          return 'piped'
        })
        assert.equal(textOf(await allEvents(resumed)).length, texts.join('').length)
      })

      /** Asks, and leaves once the turn has begun; what is given back goes on after that. */
      async function leave(then: (turn: Turn) => unknown): Promise<void> {
        const began = latch()
        const over = latch()
        const leaving = new AbortController()
        const does = async (memory: Memory, { target }: Exchange) => {
          const turn = await ask(memory, 'q1')
          const response = 'setHeader' in target ? target : target.res
          const closed = new Promise<void>((resolve) => response.once('close', resolve))
          began.open()
          await closed
          try {
            await then(turn)
          } finally {
            over.open()
          }
        }
        const response = run(does, { signal: leaving.signal })
        await began.opened
        leaving.abort()
        await assert.rejects(response)
        await over.opened
      }

      it('ends when its handler fails after the client has gone', async () => {
        await leave(() => {
          throw new Error('a fault of the application')
        })
        await next()
      })

      it('goes on to its end when the client has gone before there was a response', async () => {
        await leave((turn) => turn.commit({ role: 'assistant', content: 'said to nobody' }))
        const [, answer] = await kept()
        assert.equal(answer?.content, 'said to nobody')
      })
    })
  }
}

describe('a line of those who wait', () => {
  const never = new AbortController().signal

  it('stays when the last in it goes', async () => {
    const lines = createWaitingLines()
    const gate = latch()
    const first = lines.stand('s', 'q1', never, () => gate.opened)
    const leaving = new AbortController()
    const last = lines.stand('s', 'q1', leaving.signal, async () => {})
    leaving.abort(new Error('gone'))
    await assert.rejects(last)
    assert.equal(lines.ahead('s'), 'q1')
    gate.open()
    await first
  })

  it('knows the turn that its first waits for', async () => {
    const lines = createWaitingLines()
    const gate = latch()
    const first = lines.stand('s', 'q1', never, async (_waited, waitsFor) => {
      waitsFor('q2')
      await gate.opened
    })
    assert.equal(lines.ahead('s'), 'q2')
    gate.open()
    await first
  })
})

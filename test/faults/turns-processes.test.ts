import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { type App, frameworks } from '../support/apps.ts'
import { type ChatApp, chatClient } from '../support/chat-app.ts'
import { allEvents, eventsOf, type StreamEvent, statusOf, textOf } from '../support/event-stream.ts'
import { latch } from '../support/latch.ts'
import { killAtExit } from '../support/processes.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

const chatProcess = fileURLToPath(new URL('../support/chat-process.ts', import.meta.url))

type Client = Omit<ChatApp, keyof App>

for (const { name } of frameworks) {
  describe(`turns over two processes of ${name}`, function () {
    this.timeout(120_000)
    let server: TestServer
    let processes: { readonly child: ChildProcess; readonly chat: Client }[] = []

    before(async () => {
      server = await startRedis()
    })
    beforeEach(async () => {
      await server.client().flushall()
      processes = await Promise.all([start(), start()])
    })
    afterEach(async () => {
      for (const { child } of processes) {
        if (child.exitCode !== null || child.signalCode !== null) continue
        const exited = once(child, 'exit')
        child.kill('SIGKILL')
        await exited
      }
    })
    after(() => server.stop())

    async function start() {
      const child = fork(chatProcess, [name, server.url], { execArgv: ['--import', 'tsx'] })
      killAtExit(child)
      const [url] = (await once(child, 'message')) as [string]
      return { child, chat: chatClient(url) }
    }

    const [one, two] = [0, 1].map((at) => () => {
      const found = processes[at]
      assert.ok(found)
      return found
    }) as [() => (typeof processes)[0], () => (typeof processes)[0]]

    it('answer the questions of two tabs one after the other, 200 times', async () => {
      for (let run = 0; run < 200; run++) {
        const asked = [
          one().chat.ask(`${run} count 2`, { id: `a${run}` }),
          two().chat.ask(`${run} count 3`, { id: `b${run}` }),
        ]
        const events = await Promise.all(asked.map(async (each) => allEvents(await each)))
        assert.deepEqual(events.map(statusOf), ['complete', 'complete'])
      }
      const messages = await one().chat.history()
      assert.ok(messages.length >= 150, String(messages.length))
      for (const [at, { role, turn }] of messages.entries()) {
        assert.equal(role, at % 2 === 0 ? 'user' : 'assistant')
        if (role === 'assistant') assert.equal(turn, messages[at - 1]?.id)
      }
    })

    it('stop in one what the other answers', async () => {
      const response = await one().chat.ask('for ever')
      const events = eventsOf(response)
      const seen = await words(events, 5)
      assert.equal(await two().chat.stop(), true)
      for await (const event of events) seen.push(event)
      assert.equal(statusOf(seen), 'aborted')
      const [, answer] = await two().chat.history()
      assert.equal(answer?.content, textOf(seen))
      assert.equal(answer?.status, 'aborted')
    })

    it('resume in one what the other answers, without a gap', async () => {
      const response = await one().chat.ask('count 300', { id: 'q1' })
      const seen = await words(eventsOf(response), 40)
      const rest = await allEvents(await two().chat.resume(seen.at(-1)?.id))
      const expected = Array.from({ length: 300 }, (_, n) => `count 300-${n} `).join('')
      assert.equal(textOf([...seen, ...rest]), expected)
      assert.equal(statusOf(rest), 'complete')
    })

    it('join in one what the other answers', async () => {
      const response = await one().chat.ask('count 100', { id: 'q1' })
      const joined = await allEvents(await two().chat.ask('count 100', { id: 'q1' }))
      assert.deepEqual(joined, await allEvents(response))
      assert.equal((await two().chat.history()).length, 2)
    })

    it('serve what a killed process had said, within a second, and store it', async () => {
      const response = await one().chat.ask('for ever', { id: 'q1' })
      const seen = await words(eventsOf(response), 20)
      one().child.kill('SIGKILL')
      const askedAt = performance.now()
      const events = eventsOf(await two().chat.resume())
      const served = await words(events, 10)
      assert.ok(performance.now() - askedAt < 1000)
      for await (const event of events) served.push(event)
      assert.equal(statusOf(served), 'interrupted')
      // What was written less than a batch before the end may not have been kept.
      assert.ok(textOf(served).startsWith(textOf(seen).slice(0, 60)))
      const [, answer] = await two().chat.history()
      assert.deepEqual([answer?.content, answer?.status], [textOf(served), 'interrupted'])
    })

    it('answer the next question when the process that answered was killed', async () => {
      await words(eventsOf(await one().chat.ask('for ever')), 20)
      one().child.kill('SIGKILL')
      const next = await allEvents(await two().chat.ask('next'))
      assert.equal(textOf(next), 'next-0 ')
      const roles = (await two().chat.history()).map(({ role }) => role)
      assert.deepEqual(roles, ['user', 'assistant', 'user', 'assistant'])
    })

    it('show what a killed process had said to who reads the history', async () => {
      await words(eventsOf(await one().chat.ask('for ever')), 20)
      one().child.kill('SIGKILL')
      const shown = latch()
      const look = async (): Promise<void> => {
        const [, answer] = await two().chat.history()
        if (answer?.status === 'interrupted') shown.open()
        else setTimeout(look, 200)
      }
      await look()
      await shown.opened
      const [, answer] = await two().chat.history()
      assert.match(String(answer?.content), /^word-0 word-1 /)
    })
  })
}

/** Events until so many brought text. */
async function words(events: AsyncGenerator<StreamEvent>, count: number): Promise<StreamEvent[]> {
  const seen: StreamEvent[] = []
  let left = count
  while (left > 0) {
    const { value, done } = await events.next()
    if (done) break
    seen.push(value)
    if (value.event === 'delta') left -= 1
  }
  return seen
}

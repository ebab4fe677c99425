import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import express from 'express'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import type { Store } from '../../lib/index.ts'
import { sessionMemory } from '../../middleware/express.ts'
import { type App, frameworks, listen } from '../support/apps.ts'
import { type Answers, type ChatApp, serveChat } from '../support/chat-app.ts'
import { allEvents, statusOf, textOf } from '../support/event-stream.ts'
import { eventually } from '../support/eventually.ts'
import { bothProviders } from '../support/stores.ts'

for (const stores of bothProviders()) {
  describe(`a client of an answer over ${stores.name}`, function () {
    this.timeout(20_000)
    let store: Store
    let app: App

    before(() => stores.start())
    beforeEach(async () => {
      store = await stores.empty()
    })
    afterEach(() => app.close())
    after(() => stores.stop())

    for (const framework of frameworks) {
      const serve = async (answers: Answers): Promise<ChatApp> => {
        const chat = await serveChat(framework, store, answers)
        app = chat
        return chat
      }

      it(`is cut off when it does not keep up, and the answer goes on (${framework.name})`, async () => {
        const noise = 'x'.repeat(16 * 1024)
        const chat = await serve(async function* () {
          for (let n = 0; n < 1500; n++) yield { type: 'data-noise', data: noise, transient: true }
          yield 'the end'
        })
        const { hostname, port } = new URL(chat.url)
        const socket = connect(Number(port), hostname)
        socket.on('error', () => {})
        socket.write(
          `POST /?ask=go HTTP/1.1\r\nHost: test\r\nX-User: ann\r\nContent-Length: 0\r\n\r\n`,
        )
        await once(socket, 'connect')
        socket.pause()
        const answer = await eventually('the answer', async () => (await chat.history())[1])
        assert.match(JSON.stringify(answer.content), /the end/)
        let received = 0
        socket.on('data', (bytes: Buffer) => {
          received += bytes.length
        })
        socket.resume()
        await once(socket, 'close')
        assert.ok(received < 1500 * noise.length, String(received))
      })

      it(`is sent what the AI SDK reads (${framework.name})`, async () => {
        const chat = await serve(() => ['one ', 'two'])
        const response = await chat.ask('go', { as: 'ui' })
        assert.equal(response.headers.get('x-vercel-ai-ui-message-stream'), 'v1')
        const text = (await response.text()).split('\n').filter((line) => line.startsWith('data:'))
        assert.equal(text.at(-1), 'data: [DONE]')
        const [, answer] = await chat.history()
        assert.deepEqual(JSON.parse(text[0]?.slice(5) ?? ''), {
          type: 'start',
          messageId: answer?.id,
        })
      })
    }

    it('hears of a failure before Express cuts the connection', async () => {
      const site = express()
      site.set('env', 'test')
      site.use(sessionMemory({ store, user: () => 'ann' }))
      site.get('/', async (req, res) => {
        const turn = await req.memory.turn({ role: 'user', content: 'hello' })
        await turn.pipe(
          (async function* () {
            yield 'half'
            throw new Error('model away')
          })(),
          res,
        )
      })
      app = await listen(site)
      const events = await allEvents(await fetch(app.url))
      assert.equal(textOf(events), 'half')
      assert.equal(statusOf(events), 'failed')
    })
  })
}

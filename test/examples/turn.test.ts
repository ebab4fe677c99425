import { deepEqual, equal, match } from 'node:assert/strict'
import { allEvents, statusOf, textOf } from '../support/event-stream.ts'
import { freePort } from '../support/redis.ts'
import { type Started, startQuickstart } from './started.ts'

for (const file of ['turn-express.ts', 'turn-koa.ts']) {
  describe(`the example: ${file}`, function () {
    this.timeout(30_000)
    let app: Started
    let cookie = ''

    before(async () => {
      app = await startQuickstart(file, await freePort())
    })
    beforeEach(() => {
      cookie = ''
    })
    after(() => app.stop())

    async function call(line: string, body?: object): Promise<Response> {
      const [method = '', path] = line.split(' ')
      const said = body === undefined ? {} : { body: JSON.stringify(body) }
      const headers = { cookie, 'content-type': 'application/json' }
      const response = await fetch(`${app.url}${path}`, { method, headers, ...said })
      cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? cookie
      return response
    }
    const ask = (text: string, id?: string) => call('POST /chats/tea', { id, text })

    it('answers what was asked, and what is asked then', async () => {
      const events = await allEvents(await ask('Hello'))
      equal(textOf(events), 'You are at message 1, which is: Hello')
      equal(statusOf(events), 'complete')
      equal(textOf(await allEvents(await ask('And?'))), 'You are at message 3, which is: And?')
    })

    it('gives the same question the same answer', async () => {
      const first = await allEvents(await ask('Hello', 'q1'))
      deepEqual(await allEvents(await ask('Hello', 'q1')), first)
      equal((await ask('Good bye', 'q1')).status, 409)
    })

    it('lets an answer be followed and stopped', async () => {
      const response = await ask('Say that in many words, one after the other, if you please')
      const following = await call('GET /chats/tea/stream')
      equal((await call('POST /chats/tea/stop')).status, 202)
      const [asked, followed] = await Promise.all([allEvents(response), allEvents(following)])
      equal(statusOf(asked), 'aborted')
      deepEqual(followed, asked)
    })

    it('shows a browser its conversations, and nobody else', async () => {
      await allEvents(await ask('Hello'))
      const { items } = (await (await call('GET /chats')).json()) as { items: { title: string }[] }
      deepEqual(
        items.map(({ title }) => title),
        ['Hello'],
      )
      cookie = ''
      deepEqual(await (await call('GET /chats')).json(), { items: [] })
    })

    it('refuses what is no question', async () => {
      const refused = await call('POST /chats/tea', {})
      equal(refused.status, 400)
      match(await refused.text(), /content must be text/)
    })
  })
}

import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import type { Context } from 'memoryware'
import { freePort } from '../support/redis.ts'
import { type Started, startQuickstart } from './started.ts'

for (const file of ['quickstart-express.ts', 'quickstart-koa.ts']) {
  describe(`the example: ${file}`, function () {
    this.timeout(30_000)
    let app: Started

    before(async () => {
      app = await startQuickstart(file, await freePort())
    })

    after(() => app.stop())

    function chat(q: string, cookie = ''): Promise<Response> {
      return fetch(`${app.url}/chats/one`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-session-id': 'one', cookie },
        body: JSON.stringify({ q }),
      })
    }

    it('has at most 15 lines of code', async () => {
      const code = await readFile(new URL(`../../examples/${file}`, import.meta.url), 'utf8')
      ok(code.split('\n').filter((line) => line.trim() !== '').length <= 15)
    })

    it('remembers a conversation', async () => {
      const first = await chat('one')
      const cookie = first.headers.getSetCookie()[0]?.split(';')[0]
      const { messages } = (await (await chat('two', cookie)).json()) as Context
      deepEqual(
        messages.map(({ role, content }) => [role, content]),
        [
          ['user', 'one'],
          ['assistant', 'You asked: one'],
          ['user', 'two'],
          ['assistant', 'You asked: two'],
        ],
      )
    })

    it('answers the second time out of the cache', async () => {
      await fetch(`${app.url}/answer?q=why`)
      const second = await fetch(`${app.url}/answer?q=why`)
      match(second.headers.get('cache-status') ?? '', /hit/)
      deepEqual(await second.json(), { answer: 'You asked: why' })
    })

    it('refuses more than ten questions a minute', async () => {
      const statuses: number[] = []
      for (let asked = 0; asked < 11; asked += 1) statuses.push((await chat('again')).status)
      equal(statuses.at(-1), 429)
    })
  })
}

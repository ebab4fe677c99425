import assert from 'node:assert/strict'
import { request } from 'node:http'
import { createStore } from '../../lib/index.ts'
import { type App, frameworks } from '../support/apps.ts'
import { eventually } from '../support/eventually.ts'

for (const { name, serve } of frameworks)
  describe(`a change whose client has gone, on ${name}`, () => {
    const store = createStore({ provider: 'embedded' })
    let app: App | undefined
    after(async () => {
      await app?.close()
      await store.close()
    })

    it('makes what is stored untrue all the same (RFC 9111 section 4.4)', async () => {
      let written = 'before'
      let changing: (() => void) | undefined
      let answers: (() => void) | undefined
      const gone = new Promise<void>((resolve) => {
        answers = resolve
      })
      const began = new Promise<void>((resolve) => {
        changing = resolve
      })
      app = await serve({ cache: { store, ttl: '1m', scope: 'public' } }, async (exchange) => {
        if (exchange.query.has('change')) {
          changing?.()
          await gone
          written = 'after'
          exchange.set('Location', '/')
        }
        exchange.send(200, written)
      })
      const { url } = app
      const read = async () => (await fetch(`${url}/`)).text()
      assert.equal(await read(), 'before')
      written = 'unseen'
      assert.equal(await read(), 'before')

      const client = request(`${url}/?change`, { method: 'POST' })
      client.on('error', () => undefined).end()
      await began
      client.destroy()
      await new Promise((resolve) => client.once('close', resolve))
      // The server has heard of it by the time it answers another.
      assert.equal(await read(), 'before')
      answers?.()
      await eventually('the change', async () => (await read()) === 'after' || undefined, {
        withinMs: 3000,
      })
    })
  })

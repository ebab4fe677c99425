import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import { type App, type Exchange, frameworks } from '../support/apps.ts'
import { type CountingProxy, startCountingProxy } from '../support/counting-proxy.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

const said = (content: string) => ({ role: 'user', content }) as const

for (const { name, serve } of frameworks) {
  describe(`a context that is read ahead on ${name}`, function () {
    this.timeout(15_000)
    let server: TestServer
    let proxy: CountingProxy
    let store: Store
    let app: App

    before(async () => {
      server = await startRedis()
    })
    after(() => server.stop())
    beforeEach(async () => {
      await server.client().flushall()
      proxy = await startCountingProxy(server)
      store = createStore({ url: proxy.url, deadline: '1s' })
    })
    afterEach(async () => {
      await app.close()
      await store.close()
      await proxy.close()
    })

    const mount = async (handle: (exchange: Exchange) => unknown, ahead = true, limit = 100) => {
      app = await serve(
        { memory: { store, context: { ahead } }, limit: { store, limit, window: '1h' } },
        handle,
      )
    }
    const ask = async (fields: Record<string, string> = { 'x-user': 'ann' }, method = 'POST') => {
      proxy.reset()
      const response = await fetch(app.url, { method, headers: fields })
      return { status: response.status, text: await response.text(), response }
    }
    const contents = async ({ memory, send }: Exchange) => {
      const { messages } = await memory.context()
      send(200, messages.map(({ content }) => content).join())
    }

    it('comes with what the limiter asks, in one round trip', async () => {
      await mount(async (exchange) => {
        await contents(exchange)
        await exchange.memory.append(said('a'))
      })
      await ask()
      await ask()
      assert.equal((await ask()).text, 'a,a')
      const reads = [...proxy.commands].slice(0, 3).sort()
      assert.deepEqual(reads, ['EVALSHA', 'EVALSHA', 'LRANGE'])
      assert.equal(proxy.counts['LRANGE'], 1)
    })

    it('saves a round trip before the answer', async () => {
      const tripsOf = async (ahead: boolean): Promise<number> => {
        await mount(contents, ahead)
        await ask()
        await ask()
        if (!ahead) await app.close()
        return proxy.roundTrips
      }
      assert.equal(await tripsOf(false), 2)
      assert.equal(await tripsOf(true), 1)
    })

    it('holds what the request itself has written since', async () => {
      await mount(async (exchange) => {
        await exchange.memory.append(said('own'))
        await contents(exchange)
      })
      assert.equal((await ask()).text, 'own')
      assert.equal((await ask()).text, 'own,own')
    })

    it('is read anew by a second context()', async () => {
      const key = 'session:{ann}:default'
      await mount(async (exchange) => {
        if (exchange.query.has('write')) await exchange.memory.append(said('gone soon'))
        await exchange.memory.context()
        await server.client().del(key, `${key}:m`)
        await contents(exchange)
      })
      await fetch(`${app.url}/?write`, { method: 'POST', headers: { 'x-user': 'ann' } })
      assert.equal((await ask()).text, '')
      assert.equal(proxy.counts['LRANGE'], 2)
    })

    it('is that of the conversation which is opened, whichever was read', async () => {
      await mount(async (exchange) => {
        const { memory } = exchange
        if (exchange.query.has('write')) await memory.open('other').append(said('there'))
        const { messages } = await memory.open('other').context()
        exchange.send(200, messages.map(({ content }) => content).join())
      })
      proxy.reset()
      await fetch(`${app.url}/?write`, { method: 'POST', headers: { 'x-user': 'ann' } })
      assert.equal((await ask()).text, 'there')
    })

    it('is not read for a request that changes nothing', async () => {
      await mount(({ send }) => send(200, 'ok'))
      await ask({ 'x-user': 'ann' }, 'GET')
      await ask({ 'x-user': 'ann' }, 'GET')
      assert.equal(proxy.counts['LRANGE'], undefined)
      await ask()
      assert.equal(proxy.counts['LRANGE'], 1)
    })

    it('is not read for a guest without a cookie, who is given none for it', async () => {
      await mount(({ send }) => send(200, 'ok'))
      const { response } = await ask({})
      assert.equal(response.headers.get('set-cookie'), null)
      assert.equal(proxy.counts['LRANGE'], undefined)
    })

    it('tells of a session that cannot be named where memory is used, and nowhere else', async () => {
      await mount(({ send, query, memory: _ }) => send(200, String(query)))
      const bad = { 'x-user': 'ann', 'x-session-id': 'x'.repeat(200) }
      assert.equal((await ask(bad)).status, 400)
      await app.close()
      await mount(({ send }) => send(200, 'ok'))
      assert.equal((await ask(bad)).status, 200)
    })

    it('leaves no failure unheard while Redis is away', async () => {
      await mount((exchange) =>
        exchange.query.has('read') ? contents(exchange) : exchange.send(200, 'ok'),
      )
      await ask()
      await server.stop()
      try {
        assert.equal((await ask()).status, 200)
        const read = await fetch(`${app.url}/?read`, {
          method: 'POST',
          headers: { 'x-user': 'ann' },
        })
        assert.equal(read.status, 200)
      } finally {
        server = await startRedis()
      }
    })
  })
}

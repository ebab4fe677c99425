import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import { after, afterEach, before, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import { type App, frameworks } from '../support/apps.ts'
import { type CountingProxy, startCountingProxy } from '../support/counting-proxy.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

const canary = 'canary-7c1f'

for (const framework of frameworks) {
  describe(`what goes to Redis on ${framework.name}`, () => {
    let server: TestServer
    let proxy: CountingProxy
    let store: Store
    let app: App

    before(async () => {
      server = await startRedis()
      proxy = await startCountingProxy(server)
      store = createStore({ url: proxy.url, deadline: '1s' })
    })
    afterEach(() => app.close())
    after(async () => {
      await store.close()
      await proxy.close()
      await server.stop()
    })

    /** Sends one request twice, so that the second finds scripts and connection as they stay. */
    async function second(path: string): Promise<Response> {
      await (await fetch(app.url + path, { headers: { 'x-user': 'ann' } })).text()
      proxy.reset()
      return fetch(app.url + path, { headers: { 'x-user': 'ann' } })
    }

    it('appends in one command and one round trip', async () => {
      app = await framework.serve({ memory: { store } }, async ({ memory, send }) => {
        const result = await memory.append([
          { role: 'user', content: 'question' },
          { role: 'assistant', content: 'answer' },
        ])
        send(200, JSON.stringify(result))
      })
      const { added } = (await (await second('/')).json()) as { added: number }
      assert.equal(added, 2)
      assert.deepEqual(proxy.counts, { EVALSHA: 1 })
      assert.equal(proxy.roundTrips, 1)
    })

    it('reads a window in one round trip', async () => {
      app = await framework.serve({ memory: { store } }, async ({ memory, send }) => {
        send(200, JSON.stringify(await memory.context()))
      })
      const { messages } = (await (await second('/')).json()) as { messages: unknown[] }
      assert.ok(messages.length > 0)
      assert.equal(proxy.roundTrips, 1)
    })

    it('checks three rules in one command and one round trip', async () => {
      const limits = [
        { name: 'second', limit: 100, window: '1s' },
        { name: 'minute', limit: 20, window: '1m' },
        { name: 'day', limit: 1000, window: '1d' },
      ]
      app = await framework.serve({ limit: { store, limits } }, ({ send }) => send(200, 'ok'))
      assert.equal((await second('/')).status, 200)
      assert.deepEqual(proxy.counts, { EVALSHA: 1 })
      assert.equal(proxy.roundTrips, 1)
    })

    it('answers a cache hit after one round trip', async () => {
      app = await framework.serve({ cache: { store, ttl: '1m' } }, ({ send }) => send(200, 'ok'))
      await (await fetch(`${app.url}/hit`)).text()
      await new Promise((done) => setTimeout(done, 50))
      proxy.reset()
      const answer = await fetch(`${app.url}/hit`)
      assert.match(answer.headers.get('cache-status') ?? '', /hit/)
      assert.equal(proxy.roundTrips, 1)
    })

    it('keeps what was said off the tracing channel of the driver', async () => {
      const seen: string[] = []
      const listen = (message: unknown) => seen.push(inspect(message, { depth: 9 }), json(message))
      const channels = ['ioredis:command', 'ioredis:batch', 'ioredis:pipeline'].flatMap((name) =>
        ['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map(
          (step) => `tracing:${name}:${step}`,
        ),
      )
      for (const name of channels) subscribe(name, listen)
      app = await framework.serve({ memory: { store } }, async ({ memory, send }) => {
        await memory.append({ role: 'user', content: `my secret is ${canary}` })
        await store.set('value', canary)
        send(200, JSON.stringify(await memory.context()))
      })
      const body = await (await second('/')).text()
      for (const name of channels) unsubscribe(name, listen)
      assert.match(body, new RegExp(canary))
      assert.ok(seen.length > 4, 'the channel is listened to')
      assert.deepEqual(
        seen.filter((text) => text.includes(canary)),
        [],
      )
    })

    it('keeps what was said out of errors', async () => {
      const plain = server.client()
      app = await framework.serve({ memory: { store } }, async ({ memory, send }) => {
        await plain.set('session:{eve}:broken:m', 'not a list')
        const error: unknown = await memory
          .open('broken')
          .append({ role: 'user', content: canary })
          .catch((reason: unknown) => reason)
        send(200, `${inspect(error, { depth: 9 })}${json(error)}`)
      })
      const answer = await fetch(app.url, { headers: { 'x-user': 'eve' } })
      const text = await answer.text()
      assert.match(text, /Store failed on append: corrupt/)
      assert.doesNotMatch(text, new RegExp(canary))
    })

    it('drops the lines of sessions that are gone, also where nobody lists them', async () => {
      app = await framework.serve({ memory: { store } }, async ({ memory, send }) => {
        for (let n = 0; n < 20; n++) {
          await memory.open(`s${n}`).append({ role: 'user', content: 'x' })
          await store.delete(`session:{lee}:s${n}`, `session:{lee}:s${n}:m`)
        }
        send(200, 'ok')
      })
      await fetch(app.url, { headers: { 'x-user': 'lee' } })
      assert.ok((await server.client().zcard('session:{lee}')) <= 2)
    })

    it('uses one connection for the three middlewares, and one that hears of purges', async () => {
      const own = createStore({ url: server.url })
      const mounts = {
        memory: { store: own },
        limit: { store: own, limit: 100 },
        cache: { store: own },
      }
      app = await framework.serve(mounts, async ({ memory, send }) => {
        await memory.append({ role: 'user', content: 'hi' })
        send(200, 'ok')
      })
      await Promise.all(
        Array.from({ length: 20 }, () => fetch(app.url, { headers: { 'x-user': 'bob' } })),
      )
      const list = String(await server.client().client('LIST'))
      const ours = list.split('\n').filter((line) => line.includes('name=memoryware'))
      // One more is the store of the other tests, behind the proxy.
      assert.equal(ours.filter((line) => line.includes('name=memoryware ')).length, 2)
      assert.equal(ours.length, 3)
      await own.close()
    })
  })
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch {
    return ''
  }
}

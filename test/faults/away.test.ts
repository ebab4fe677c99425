import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import { type App, frameworks, type Mounts } from '../support/apps.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

interface Seen {
  readonly at: number
  readonly ms: number
  readonly status: number
  readonly memory?: boolean
  readonly limit?: boolean
  readonly cache?: boolean
}

for (const framework of frameworks) {
  describe(`a Redis that is away, on ${framework.name}`, () => {
    let server: TestServer
    let store: Store
    let app: App | undefined

    before(async () => {
      server = await startRedis({ appendonly: true })
    })
    beforeEach(() => {
      store = createStore({ url: server.url })
    })
    afterEach(async () => {
      await app?.close()
      app = undefined
      await store.close()
    })
    after(() => server.stop())

    async function serve(mounts: Mounts = {}): Promise<(headers?: object) => Promise<Seen>> {
      app = await framework.serve(
        {
          memory: { store },
          limit: { store, limit: 100_000, window: '1m' },
          cache: { store, ttl: '1s', scope: 'user' },
          ...mounts,
        },
        async ({ memory, rateLimit, cache, query, send }) => {
          if (query.has('read')) return send(200, await texts(memory))
          await memory.append({ role: 'user', content: query.get('say') ?? 'hi' })
          const flags = {
            memory: memory.degraded,
            limit: rateLimit?.degraded,
            cache: cache?.degraded,
          }
          send(200, JSON.stringify(flags))
        },
      )
      const { url } = app
      let count = 0
      return async (headers = {}) => {
        const at = performance.now()
        count += 1
        const answer = await fetch(`${url}/?say=${count}`, {
          headers: { 'x-user': 'ann', ...headers },
        })
        const text = await answer.text()
        const ms = performance.now() - at
        const flags = answer.ok ? (JSON.parse(text) as object) : {}
        return { at, ms, status: answer.status, ...flags }
      }
    }

    async function texts(memory: {
      history(o: object): Promise<{ items: readonly { content: unknown }[] }>
    }) {
      return JSON.stringify(
        (await memory.history({ limit: 1000 })).items.map(({ content }) => content),
      )
    }

    /** Sends a request every 20 ms until told to stop. */
    function load(call: () => Promise<Seen>): { stop(): Promise<Seen[]> } {
      const answers: Promise<Seen>[] = []
      const timer = setInterval(() => answers.push(call()), 20)
      return {
        stop: async () => {
          clearInterval(timer)
          return Promise.all(answers)
        },
      }
    }

    it('answers within a second while frozen for 5 s under load, and is well 2 s later', async function () {
      this.timeout(30_000)
      const call = await serve({ memory: { store, maxStored: 2000 } })
      await call()
      const { stop } = load(call)
      await sleep(300)
      const frozenAt = performance.now()
      server.freeze()
      await sleep(5000)
      server.thaw()
      const thawedAt = performance.now()
      await sleep(3000)
      const seen = await stop()

      assert.ok(seen.length > 200, `${seen.length} requests`)
      assert.deepEqual(
        seen.filter(({ status }) => status !== 200),
        [],
      )
      assert.deepEqual(
        seen.filter(({ ms }) => ms > 1000),
        [],
      )
      const during = seen.filter(({ at }) => at > frozenAt + 50 && at < thawedAt - 300)
      assert.ok(during.length > 150)
      for (const part of ['memory', 'limit', 'cache'] as const)
        assert.deepEqual(
          during.filter((each) => each[part] !== true),
          [],
          part,
        )
      const later = seen.filter(({ at }) => at > thawedAt + 2000)
      assert.ok(later.length > 5)
      assert.deepEqual(
        later.filter(({ memory, limit, cache }) => memory || limit || cache),
        [],
      )
      const kept = (await (
        await fetch(`${app?.url}/?read`, { headers: { 'x-user': 'ann' } })
      ).json()) as string[]
      // What was said while frozen was sent later: nothing said is lost, nothing doubled.
      const said = Array.from({ length: seen.length + 1 }, (_, n) => n + 1)
      assert.deepEqual(kept.map(Number).sort(byNumber), said)
    })

    it('keeps the budget of one request over all its middlewares', async () => {
      const call = await serve()
      await call()
      server.freeze()
      const { ms } = await call()
      server.thaw()
      // Three waits of the deadline would be 450 ms; one is 150 and what the machine adds.
      assert.ok(ms < 400, `${ms} ms`)
    })

    it('starts while Redis is down, and enforces limits as soon as it is up', async function () {
      this.timeout(20_000)
      await server.kill()
      await store.close()
      store = createStore({ url: server.url })
      const call = await serve({
        limit: { store, limit: 3, window: '1m', key: () => `boot-${framework.name}` },
      })
      const first = await call()
      assert.deepEqual([first.status, first.limit, first.memory], [200, true, true])
      await server.restart()
      await sleep(1500)
      const statuses: number[] = []
      let healed: Seen | undefined
      for (let n = 0; n < 5; n++) {
        const seen = await call()
        statuses.push(seen.status)
        healed ??= seen
      }
      assert.equal(healed?.limit, false)
      assert.deepEqual(statuses, [200, 200, 200, 429, 429])
    })

    it('keeps counting across a crash and a restart', async function () {
      this.timeout(20_000)
      const call = await serve({
        limit: { store, limit: 3, window: '1m', key: () => `crash-${framework.name}` },
      })
      await call()
      await call()
      await sleep(1200)
      await server.kill()
      await server.restart()
      await sleep(1500)
      assert.deepEqual([(await call()).status, (await call()).status], [200, 429])
    })

    it('answers 503, never 429, where the limiter is told to fail', async () => {
      const call = await serve({ limit: { store, limit: 5, onStoreError: 'error' } })
      await call()
      server.freeze()
      const { status } = await call()
      server.thaw()
      assert.equal(status, 503)
    })

    it('lets pass where the limiter is told to', async () => {
      const call = await serve({
        limit: { store, limit: 1, onStoreError: 'open', key: () => `open-${framework.name}` },
      })
      await call()
      server.freeze()
      const { status, limit } = await call()
      server.thaw()
      assert.deepEqual([status, limit], [200, true])
    })

    it('rejects with 503 where memory is told to', async () => {
      const call = await serve({ memory: { store, onStoreError: 'error' } })
      await call()
      server.freeze()
      const { status } = await call()
      server.thaw()
      assert.equal(status, 503)
    })

    it('goes on after the scripts were flushed', async () => {
      const call = await serve()
      await call()
      await server.client().script('FLUSH')
      const seen = await call()
      assert.deepEqual([seen.status, seen.memory, seen.limit], [200, false, false])
    })
  })
}

function byNumber(a: number, b: number): number {
  return a - b
}

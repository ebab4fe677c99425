import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import { type CountingProxy, startCountingProxy } from '../support/counting-proxy.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { closeSites, frameworks, open, type Run, type Site } from './site.ts'

const atOnce = 20

describe('what unsafe requests invalidate on Redis', () => {
  let server: TestServer
  let proxy: CountingProxy
  let store: Store
  before(async () => {
    server = await startRedis()
    proxy = await startCountingProxy(server)
  })
  beforeEach(async () => {
    store = createStore({ url: proxy.url, deadline: '1s' })
    await eventually('it is connected', () => store.set('anything', 1).then(() => true))
  })
  afterEach(async () => {
    await closeSites()
    await store.close()
  })
  after(async () => {
    await proxy.close()
    await server.stop()
  })

  for (const framework of frameworks) {
    it(`is purged once where many change it in one moment (${framework})`, async () => {
      const held: Run[] = []
      const site = await open(framework, {
        cache: { store },
        handle(run) {
          held.push(run)
          return held.length < atOnce ? letGo(run) : answerAll(held)
        },
      })
      await store.purge({ tags: ['the script is known'] })
      proxy.reset()
      const asked = Array.from({ length: atOnce }, () => site.get('/chat', { method: 'POST' }))
      for (const { status } of await Promise.all(asked)) assert.equal(status, 204)
      await eventually('it is told', async () => proxy.counts['PUBLISH'])
      assert.deepEqual(proxy.counts, { EVALSHA: 1, PUBLISH: 1 })
    })

    it(`is not given to who asks next, also where the server knows no script (${framework})`, async () => {
      const client = server.client()
      const site = await numbered(framework, store)
      for (let round = 0; round < 10; round += 1) {
        const { body: first } = await site.get('/page')
        await eventually('it is kept', async () => same(await site.get('/page'), first))
        await client.script('FLUSH')
        await site.get('/page', { method: 'POST' })
        assert.notEqual((await site.get('/page')).body, first)
      }
    })
  }
})

/** True where a reply has this body. */
function same({ body }: { readonly body: string }, first: string): true | undefined {
  return body === first || undefined
}

/** Answers say which run they come from. */
function numbered(framework: 'express' | 'koa', store: Store): Promise<Site> {
  return open(framework, {
    cache: { store, ttl: 60 },
    handle: (run) => run.send(200, `run ${run.number}`),
  })
}

const waiting = new WeakMap<Run, () => void>()

/** Leaves a run open until all are answered. */
function letGo(run: Run): Promise<void> {
  return new Promise((resolve) => waiting.set(run, resolve))
}

function answerAll(runs: readonly Run[]): void {
  for (const run of runs) {
    run.send(204)
    waiting.get(run)?.()
  }
}

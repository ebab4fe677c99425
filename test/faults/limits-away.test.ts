import assert from 'node:assert/strict'
import { channel } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import { rateLimit } from '../../middleware/express.ts'
import { type App, type Exchange, frameworks, type Mounts } from '../support/apps.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

type Limit = NonNullable<Mounts['limit']>
interface Failure {
  readonly during: string
}

for (const framework of frameworks) {
  describe(`limits over a Redis that is away, on ${framework.name}`, function () {
    this.timeout(30_000)
    let server: TestServer
    let store: Store
    let app: App | undefined
    const failures: string[] = []
    const rejected: unknown[] = []
    const listen = (event: unknown) => void failures.push((event as Failure).during)
    const reject = (reason: unknown) => void rejected.push(reason)

    before(async () => {
      server = await startRedis({ appendonly: true })
      channel('memoryware:error').subscribe(listen)
      process.on('unhandledRejection', reject)
    })
    beforeEach(() => {
      store = createStore({ url: server.url })
      failures.length = 0
    })
    afterEach(async () => {
      server.thaw()
      await app?.close()
      app = undefined
      await store.close()
      assert.deepEqual(rejected, [])
    })
    after(async () => {
      channel('memoryware:error').unsubscribe(listen)
      process.off('unhandledRejection', reject)
      await server.stop()
    })

    const tell = ({ rateLimit, send }: Exchange) => send(200, JSON.stringify(rateLimit))

    async function serve(
      limit: Limit,
      handle: (exchange: Exchange) => unknown = tell,
    ): Promise<() => Promise<{ status: number; ms: number; degraded: boolean }>> {
      app = await framework.serve({ limit: { store, ...limit } }, handle)
      const { url } = app
      return async () => {
        const at = performance.now()
        const answer = await fetch(url)
        const text = await answer.text()
        const degraded = answer.ok && text.includes('"degraded":true')
        return { status: answer.status, ms: performance.now() - at, degraded }
      }
    }

    async function lose(how: 'frozen' | 'killed'): Promise<void> {
      if (how === 'frozen') return server.freeze()
      // What was counted is on the disk within a second.
      await sleep(1200)
      await server.kill()
    }

    async function find(how: 'frozen' | 'killed'): Promise<void> {
      if (how === 'frozen') server.thaw()
      else await server.restart()
      await eventually('the store answers', async () => {
        await store.budgets.peek([
          { key: 'limit:{look}:s', algorithm: 'sliding', limit: 1, windowMs: 1000, cost: 0 },
        ])
        return true
      })
    }

    let named = 0
    const rules = (rule: object = {}) => {
      named += 1
      return { limits: [{ name: `away-${framework.name}-${named}`, limit: 3, ...rule }] }
    }

    for (const [onStoreError, statuses] of [
      ['local', [200, 200, 200, 429]],
      ['open', [200, 200, 200, 200]],
      ['error', [503, 503, 503, 503]],
    ] as const) {
      for (const how of ['frozen', 'killed'] as const) {
        it(`answer within the deadline while it is ${how}, and count together after it (${onStoreError})`, async () => {
          const call = await serve({ ...rules(), onStoreError })
          assert.equal((await call()).degraded, false)
          await lose(how)
          const seen = await several(4, call)
          assert.deepEqual(
            seen.map(({ status }) => status),
            statuses,
          )
          // The deadline is 150 ms; the rest is what a busy machine adds.
          assert.deepEqual(
            seen.filter(({ ms }) => ms > 400),
            [],
          )
          assert.deepEqual(
            seen.filter(({ status, degraded }) => degraded !== (status === 200)),
            [],
          )
          await find(how)
          const later = (await several(4, call)).map(({ status }) => status)
          // What was asked of a frozen server may have reached it after all.
          assert.ok(how === 'frozen' || later[1] === 200, `${later}`)
          assert.deepEqual(later.slice(2), [429, 429])
        })
      }
    }

    it('settle all the same: what was taken stays counted, and the failure is told', async () => {
      let [settling, settled] = [false, false]
      const { limits } = rules({ limit: 10, cost: 5, unit: 'tokens' })
      const name = limits[0]?.name ?? ''
      const call = await serve({ limits }, async (exchange) => {
        if (!settling) return tell(exchange)
        server.freeze()
        const at = performance.now()
        await exchange.rateLimit.settle({ [name]: 0 })
        settled = performance.now() - at < 400
        server.thaw()
        exchange.send(200, 'settled')
      })
      assert.equal((await call()).degraded, false)
      settling = true
      assert.equal((await call()).status, 200)
      assert.equal(settled, true)
      assert.deepEqual(failures, ['settle'])
    })

    it('give back nothing, and say so, where a request fails meanwhile', async () => {
      const call = await serve(rules({ cost: 1, unit: 'tokens' }), () => {
        server.freeze()
        throw new Error('the model is away')
      })
      assert.equal((await call()).status, 500)
      await eventually('the failure is told', async () =>
        failures.includes('settle') ? true : undefined,
      )
    })

    it('outside requests are decided by the same policies', async () => {
      const check = (onStoreError: 'local' | 'open' | 'error') => {
        const { limits } = rules({ key: 'user' })
        const limit = rateLimit({ store, limits, onStoreError })
        return limit.check('ann')
      }
      await store.get('anything')
      server.freeze()
      const [local, open] = [await check('local'), await check('open')]
      assert.deepEqual([local.allowed, local.degraded], [true, true])
      assert.deepEqual([open.allowed, open.degraded], [true, true])
      await assert.rejects(check('error'), { name: 'StoreError' })
      for (const handle of [local, open]) {
        await handle.settleUsage({ usage: { input_tokens: 1, output_tokens: 1 } })
        await handle.release()
      }
    })

    it('go on while scripts are forgotten again and again', async () => {
      const { limits } = rules({ limit: 1000, key: 'global' })
      const call = await serve({ limits, onStoreError: 'error' })
      await call()
      const client = server.client()
      let flushing = true
      const flushed = (async () => {
        while (flushing) {
          await client.script('FLUSH')
          await sleep(2)
        }
      })()
      const seen = []
      for (let wave = 0; wave < 20; wave += 1)
        seen.push(...(await Promise.all(Array.from({ length: 10 }, call))))
      flushing = false
      await flushed
      assert.deepEqual(
        seen.filter(({ status }) => status !== 200),
        [],
      )
      const same = rateLimit({ store, limits })
      const { limits: found } = await same.peek('anyone', { cost: 0 })
      assert.equal(found[limits[0]?.name ?? '']?.used, 201)
    })
  })
}

/** So many answers, one after the other. */
async function several<T>(count: number, call: () => Promise<T>): Promise<T[]> {
  const seen: T[] = []
  for (let n = 0; n < count; n += 1) seen.push(await call())
  return seen
}

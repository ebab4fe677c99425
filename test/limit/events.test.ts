import assert from 'node:assert/strict'
import { channel } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, beforeEach, describe, it } from 'mocha'
import { parseList } from 'structured-headers'
import { createStore, type Store } from '../../lib/index.ts'
import type { LimitEvent, SettleEvent } from '../../lib/telemetry.ts'
import { type CountingProxy, startCountingProxy } from '../support/counting-proxy.ts'
import { eventually } from '../support/eventually.ts'
import { type LimiterApp, limiterApps, servedLimiters } from '../support/limiter-apps.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { bothProviders } from '../support/stores.ts'

type Options = Parameters<(typeof limiterApps)['express']>[0]
const ann = { 'x-user': 'ann' }

const decisions: LimitEvent[] = []
const settlements: SettleEvent[] = []
const onLimit = (event: unknown) => void decisions.push(event as LimitEvent)
const onSettle = (event: unknown) => void settlements.push(event as SettleEvent)

function listenToEvents(): void {
  before(() => {
    channel('memoryware:limit').subscribe(onLimit)
    channel('memoryware:settle').subscribe(onSettle)
  })
  beforeEach(() => {
    decisions.length = 0
    settlements.length = 0
  })
  after(() => {
    channel('memoryware:limit').unsubscribe(onLimit)
    channel('memoryware:settle').unsubscribe(onSettle)
  })
}

for (const stores of bothProviders()) {
  for (const framework of ['express', 'koa'] as const) {
    describe(`decisions on ${framework} over ${stores.name}`, () => {
      const limiters = servedLimiters(stores, framework)
      listenToEvents()
      async function serve(options: Options): Promise<{
        readonly limiter: LimiterApp['limiter']
        call(headers?: Record<string, string>): Promise<Response>
      }> {
        const served = await limiters.serve(options)
        return { limiter: served.limiter, call: (headers = ann) => fetch(served.url, { headers }) }
      }

      it('are told once a request and once a check, and not of a peek', async () => {
        const { limiter, call } = await serve({ limits: [{ name: 'two', limit: 2 }] })
        await call()
        await limiter.peek('ann')
        await limiter.check('ann')
        await call()
        await limiter.check('ann')
        assert.deepEqual(
          decisions.map(({ allowed, violated, remembered }) => [allowed, violated, remembered]),
          [
            [true, [], false],
            [true, [], false],
            [false, ['two'], false],
            [false, ['two'], true],
          ],
        )
      })

      it('are told of settlements: what counted, and what counts now', async () => {
        const { limiter } = await serve({
          limits: [{ name: 'tpm', limit: 100, unit: 'tokens', cost: 30 }],
        })
        const checked = await limiter.check('ann')
        await checked.settle({ tpm: 50 })
        await checked.settle({ tpm: 50 })
        assert.deepEqual(settlements, [{ limits: { tpm: { charged: 30, cost: 50 } } }])
      })

      it('of a shadow rule refuse nobody, and are seen in events only', async () => {
        const { call } = await serve({
          limits: [
            { name: 'real', limit: 10 },
            { name: 'trial', limit: 1, mode: 'shadow' },
          ],
        })
        const answers = [await call(), await call(), await call()]
        assert.deepEqual(
          answers.map(({ status }) => status),
          [200, 200, 200],
        )
        for (const { headers } of answers) {
          for (const field of ['ratelimit', 'ratelimit-policy'])
            assert.deepEqual(
              parseList(headers.get(field) ?? '').map(([name]) => name),
              ['real'],
            )
        }
        assert.deepEqual(
          decisions.map(({ allowed, shadowed, violated }) => [allowed, shadowed, violated]),
          [
            [true, [], []],
            [true, ['trial'], []],
            [true, ['trial'], []],
          ],
        )
      })

      it('of shadow rules alone set no fields', async () => {
        const { call } = await serve({ limits: [{ name: 'trial', limit: 0, mode: 'shadow' }] })
        const { status, headers } = await call()
        assert.deepEqual([status, headers.get('ratelimit')], [200, null])
        assert.deepEqual(
          decisions.map(({ shadowed }) => shadowed),
          [['trial']],
        )
      })

      it('block who is refused again and again, twice as long each time', async () => {
        const block = { after: 2, for: '300ms', escalate: 'double' } as const
        const { limiter, call } = await serve({
          limits: [{ name: 'one', limit: 1, window: '1s', block }],
        })
        const statuses = []
        for (let n = 0; n < 5; n += 1) statuses.push((await call()).status)
        assert.deepEqual(statuses, [200, 429, 429, 429, 429])
        assert.deepEqual(
          decisions.map(({ blocked }) => blocked),
          [[], [], ['one'], ['one'], ['one']],
        )
        assert.equal((await call({ 'x-user': 'bob' })).status, 200)
        await limiter.reset('ann')
        assert.equal((await call()).status, 200)
        // Blocked anew, and for the first time, since a reset forgets.
        assert.deepEqual([(await call()).status, (await call()).status], [429, 429])
        await sleep(320)
        decisions.length = 0
        assert.deepEqual([(await call()).status, (await call()).status], [429, 429])
        assert.deepEqual(
          decisions.map(({ blocked }) => blocked),
          [[], ['one']],
        )
        await sleep(320)
        assert.deepEqual((await limiter.check('ann')).blocked, ['one'])
      })

      it('of what a block refuses tell when to come again', async () => {
        const block = { after: 1, for: '30s' } as const
        const { call } = await serve({ limits: [{ name: 'one', limit: 1, window: '2s', block }] })
        await call()
        const refused = await call()
        const wait = Number(refused.headers.get('retry-after'))
        assert.ok(wait > 25 && wait <= 30, `${wait}`)
        const [state] = parseList(refused.headers.get('ratelimit') ?? '')
        assert.ok(wait >= Number(state?.[1].get('t')))
      })
    })
  }
}

describe('refusals that this process remembers', () => {
  let server: TestServer
  let proxy: CountingProxy
  let store: Store
  let other: Store
  let named = 0

  listenToEvents()
  before(async () => {
    server = await startRedis()
    proxy = await startCountingProxy(server)
    store = createStore({ url: proxy.url, deadline: '1s' })
    // As another process would have it.
    other = createStore({ url: server.url, deadline: '1s' })
    await store.get('anything')
  })
  after(async () => {
    await Promise.all([store.close(), other.close()])
    await proxy.close()
    await server.stop()
  })

  const rules = () => {
    named += 1
    return { limits: [{ name: `rule-${named}`, limit: 1, key: 'user' as const }] }
  }

  for (const framework of ['express', 'koa'] as const) {
    it(`cost no command (${framework})`, async () => {
      const app = await limiterApps[framework]({ store, ...rules() })
      const statuses = []
      for (let n = 0; n < 2; n += 1) statuses.push((await fetch(app.url, { headers: ann })).status)
      proxy.reset()
      for (let n = 0; n < 20; n += 1) statuses.push((await fetch(app.url, { headers: ann })).status)
      assert.deepEqual(proxy.commands, [])
      assert.deepEqual(statuses, [200, ...Array.from({ length: 21 }, () => 429)])
      assert.deepEqual(
        decisions.map(({ remembered }) => remembered),
        [false, false, ...Array.from({ length: 20 }, () => true)],
      )
      // Whoever is not refused is asked for.
      assert.equal((await fetch(app.url, { headers: { 'x-user': 'bob' } })).status, 200)
      await app.close()
    })
  }

  it('are forgotten at once when this process resets', async () => {
    const { limiter, close } = await limiterApps.express({ store, ...rules() })
    for (const allowed of [true, false, false])
      assert.equal((await limiter.check('ann')).allowed, allowed)
    await limiter.reset('ann')
    assert.equal((await limiter.check('ann')).allowed, true)
    await close()
  })

  it('are asked for again within about a second, whatever another process has reset', async () => {
    const rule = rules()
    const one = await limiterApps.express({ store, ...rule })
    const two = await limiterApps.express({ store: other, ...rule })
    for (const allowed of [true, false, false])
      assert.equal((await one.limiter.check('ann')).allowed, allowed)
    await two.limiter.reset('ann')
    const at = performance.now()
    await eventually('it is seen', async () =>
      (await one.limiter.check('ann')).allowed ? true : undefined,
    )
    assert.ok(performance.now() - at < 2000)
    await Promise.all([one.close(), two.close()])
  })

  it('of a block by another process are seen at once, and cost no command then', async () => {
    const rule = { limits: [{ ...rules().limits[0], limit: 100 }] } as Options
    const one = await limiterApps.express({ store, ...rule })
    const two = await limiterApps.express({ store: other, ...rule })
    assert.equal((await one.limiter.check('ann')).allowed, true)
    await two.limiter.block('ann', '1m')
    assert.equal((await one.limiter.check('ann')).allowed, false)
    proxy.reset()
    assert.equal((await one.limiter.check('ann')).blocked.length, 1)
    assert.deepEqual(proxy.commands, [])
    await Promise.all([one.close(), two.close()])
  })
})

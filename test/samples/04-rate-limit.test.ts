import { deepEqual, equal, ok } from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { it } from 'mocha'
import { allowed, limitedApp } from '../../examples/samples/04-rate-limit.ts'
import { eventually } from '../support/eventually.ts'
import { onEachProvider } from './on-each.ts'
import { serve } from './served.ts'

const windowMs = 2000

onEachProvider('04-rate-limit', ({ store: empty }) => {
  it('counts by hand: the first five of a window, also of fifty at once', async () => {
    const store = await empty()
    const calls = Array.from({ length: 50 }, () =>
      allowed(store, 'calls:ann', { limit: 5, window: '1m' }),
    )
    equal((await Promise.all(calls)).filter((passed) => passed).length, 5)
    const left = (await store.ttl('calls:ann')) ?? 0
    ok(left > 50 && left <= 60, String(left))
  })

  it('gives an end to the counter of a first call that died before it could', async () => {
    const store = await empty()
    await store.incr('calls:ann')
    equal(await store.ttl('calls:ann'), Number.POSITIVE_INFINITY)
    equal(await allowed(store, 'calls:ann', { limit: 5, window: '1m' }), true)
    ok(((await store.ttl('calls:ann')) ?? Number.POSITIVE_INFINITY) <= 60)
  })

  it('does not begin the window anew with later calls', async () => {
    const store = await empty()
    await allowed(store, 'calls:ann', { limit: 5, window: '1h' })
    await allowed(store, 'calls:ann', { limit: 5, window: '2h' })
    ok(((await store.ttl('calls:ann')) ?? 0) <= 3600)
  })

  it('lets nearly twice the limit pass around the edge by hand, and never with rateLimit()', async function () {
    this.timeout(30_000)
    const store = await empty()
    const { ask, close } = await serve(limitedApp(store))
    const [byHand, limited]: number[][] = [[], []]
    async function call(times: number): Promise<void> {
      for (let time = 0; time < times; time += 1) {
        const at = performance.now()
        if (await allowed(store, 'calls:ann', { limit: 5, window: '2s' })) byHand?.push(at)
        if ((await ask('GET', '/')).status === 200) limited?.push(performance.now())
      }
    }
    await call(1)
    await sleep(windowMs * 0.75)
    await call(4)
    await eventually(
      'the first window is over',
      async () => (await store.exists('calls:ann')) === 0 || undefined,
    )
    await call(5)
    await close()
    equal(byHand?.length, 10)
    ok(most(limited ?? []) <= 5, String(limited))
  })

  it('says what is left, and how long to wait', async () => {
    const { ask, close } = await serve(limitedApp(await empty()))
    const left: unknown[] = []
    for (let time = 0; time < 5; time += 1) left.push(await (await ask('GET', '/')).json())
    deepEqual(
      left,
      [4, 3, 2, 1, 0].map((each) => ({ left: each })),
    )
    const refused = await ask('GET', '/')
    equal(refused.status, 429)
    ok(Number(refused.headers.get('retry-after')) >= 1)
    await close()
  })
})

/** The most of these moments that lie within one window. */
function most(moments: readonly number[]): number {
  const within = moments.map(
    (first) => moments.filter((at) => at >= first && at < first + windowMs).length,
  )
  return Math.max(0, ...within)
}

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

  it('lets twice the limit pass around the edge of a window, by hand', async () => {
    const store = await empty()
    const call = () => allowed(store, 'calls:ann', { limit: 5, window: '2s' })
    const passed = [await call()]
    await sleep(windowMs / 2)
    for (let time = 0; time < 4; time += 1) passed.push(await call())
    await eventually(
      'the first window is over',
      async () => (await store.exists('calls:ann')) === 0 || undefined,
    )
    for (let time = 0; time < 5; time += 1) passed.push(await call())
    deepEqual(
      passed,
      Array.from({ length: 10 }, () => true),
    )
  })

  it('never lets more than the limit pass in any window, with rateLimit()', async () => {
    const { ask, close } = await serve(limitedApp(await empty()))
    const passed: Span[] = []
    async function call(times: number): Promise<void> {
      for (let time = 0; time < times; time += 1) {
        const from = performance.now()
        const { status } = await ask('GET', '/')
        if (status === 200) passed.push({ from, to: performance.now() })
      }
    }
    await call(1)
    await sleep(windowMs * 0.75)
    await call(4)
    await sleep(windowMs * 0.3)
    await call(5)
    await close()
    ok(passed.length >= 5)
    ok(most(passed) <= 5, JSON.stringify(passed))
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

/** When a request was sent, and when it was answered: it passed somewhere between. */
interface Span {
  readonly from: number
  readonly to: number
}

/** The most of these, in order, that have surely passed within one window. */
function most(passed: readonly Span[]): number {
  const within = passed.map(
    ({ from }, at) => passed.slice(at).filter(({ to }) => to < from + windowMs).length,
  )
  return Math.max(0, ...within)
}

import assert from 'node:assert/strict'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { after, before, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import { rateLimit } from '../../middleware/express.ts'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts'
import { type ForkedApp, forkApp } from '../support/forked-app.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { bothProviders } from '../support/stores.ts'

const limitsApp = new URL('../support/limits-app.ts', import.meta.url)
const windowMs = 1500

/** When a request was sent and answered: it was let through in between. */
interface Admission {
  readonly sent: number
  readonly answered: number
}

describe('any window of two processes on one Redis', function () {
  this.timeout(120_000)
  let server: TestServer

  before(async () => {
    server = await startRedis()
  })
  after(() => server.stop())

  for (const [algorithm, limit, holds] of [
    ['sliding', 20, true],
    ['sliding', 60, true],
    ['fixed', 60, false],
  ] as const) {
    it(`holds ${holds ? 'never' : 'at times'} more than the limit of ${limit} (${algorithm})`, async () => {
      const limits = [{ name: 'any', limit, window: `${windowMs}ms`, algorithm, key: 'global' }]
      const told = JSON.stringify({ framework: 'express', url: server.url, limits })
      const apps = await Promise.all([forkApp(limitsApp, [told]), forkApp(limitsApp, [told])])
      const admitted = await hammer(apps, limit)
      await Promise.all(apps.map((app) => app.stop()))
      // What passes in eight windows, one of them lost to each pause.
      assert.ok(admitted.length > limit * 3, `${admitted.length} passed`)
      const most = Math.max(...admitted.map((each) => certainlyWith(each, admitted)))
      assert.equal(most <= limit, holds, `${most} in a window`)
    })
  }
})

describe('a refusal whose answer comes late', () => {
  let server: TestServer
  let proxy: FaultProxy
  let store: Store

  before(async () => {
    server = await startRedis()
    proxy = await startFaultProxy(server)
    store = createStore({ url: proxy.url, deadline: '1s' })
  })
  after(async () => {
    await store.close()
    await proxy.close()
    await server.stop()
  })

  for (const algorithm of ['sliding', 'gcra'] as const) {
    it(`is over in this process when it is over in the store (${algorithm})`, async () => {
      const rule = { name: algorithm, limit: 1, window: '1s', algorithm } as const
      const limit = rateLimit({ store, limits: [rule] })
      const first = await limit.check('ann')
      const over = performance.now() + 1000
      proxy.set({ delayMs: 400 })
      try {
        const second = await limit.check('ann')
        const known = await limit.check('ann')
        await sleep(over + 5 - performance.now())
        const third = await limit.check('ann')
        assert.deepEqual(
          [first, second, known, third].map(({ allowed, remembered }) => [allowed, remembered]),
          [
            [true, false],
            [false, false],
            [false, true],
            [true, false],
          ],
        )
      } finally {
        proxy.clear()
      }
    })
  }
})

/** How many were let through for certain in the window that begins when this one was sent. */
function certainlyWith({ sent }: Admission, admitted: readonly Admission[]): number {
  return admitted.filter((each) => each.sent >= sent && each.answered < sent + windowMs).length
}

/** Bursts of both processes around where windows end that begin with a first request. */
async function hammer(apps: readonly ForkedApp[], limit: number): Promise<readonly Admission[]> {
  const admitted: Admission[] = []
  async function ask(app: ForkedApp | undefined): Promise<void> {
    const sent = performance.now()
    const answer = await fetch(app?.url ?? '')
    await answer.text()
    if (answer.status === 200) admitted.push({ sent, answered: performance.now() })
  }
  const burst = (count: number) =>
    Promise.all(Array.from({ length: count }, (_, n) => ask(apps[n % apps.length])))

  await burst(2)
  for (let round = 0; round < 4; round += 1) {
    await sleep(windowMs + 100)
    // Begins a window, and fills it just before and just behind its end.
    const began = performance.now()
    await burst(1)
    await sleep(windowMs * 0.8 - (performance.now() - began))
    await burst(limit + 5)
    await sleep(Math.max(0, windowMs * 1.05 - (performance.now() - began)))
    for (let again = 0; again < 3; again += 1) await burst(limit)
  }
  return admitted
}

for (const stores of bothProviders()) {
  describe(`a client that paces itself exactly, on ${stores.name}`, function () {
    this.timeout(60_000)
    let store: Store

    before(async () => {
      await stores.start()
      store = await stores.empty()
    })
    after(() => stores.stop())

    it('is never refused, at limits of 1 to 24', async () => {
      const paceMs = 700
      const limits = Array.from({ length: 24 }, (_, at) => at + 1)
      const refused = await Promise.all(
        limits.map(async (limit) => {
          const rule = {
            name: `paced-${limit}`,
            limit,
            window: `${paceMs}ms`,
            key: 'user',
          } as const
          const { check } = rateLimit({ store, limits: [rule] })
          // Whoever does not wait is: bob.
          const rapid = Array.from({ length: limit + 1 }, () => check('bob'))
          const passed = (await Promise.all(rapid)).filter(({ allowed }) => allowed)
          assert.equal(passed.length, limit)
          const asked = Array.from({ length: limit }, () =>
            paced(async () => (await check('ann')).allowed, { rounds: 5, paceMs }),
          )
          const refusals = (await Promise.all(asked)).flat().filter((allowed) => !allowed)
          return refusals.length
        }),
      )
      assert.deepEqual(
        refused,
        limits.map(() => 0),
      )
    })
  })
}

/** Asks again as soon as a window has passed since the answer before. */
async function paced(
  ask: () => Promise<boolean>,
  { rounds, paceMs }: { rounds: number; paceMs: number },
): Promise<boolean[]> {
  const allowed: boolean[] = []
  for (let round = 0; round < rounds; round += 1) {
    allowed.push(await ask())
    const next = performance.now() + paceMs
    if (round === rounds - 1) break
    await sleep(paceMs - 5)
    // A timer may be a little early.
    while (performance.now() < next) await turn()
  }
  return allowed
}

describe('an embedded store under many callers', function () {
  this.timeout(120_000)

  it('keeps a hundred thousand active keys in less than 64 MB', async () => {
    // As it is by default: budgets also take what others leave.
    const { bytes, keys } = await counted(100_000, { maxEntries: 100_000, maxBytes: 64 * mb })
    assert.ok(bytes < 64 * mb, `${bytes} bytes`)
    assert.ok(keys >= 100_000, `${keys} keys`)
  })

  it('forgets others, within bounds, and goes on limiting who is active', async () => {
    const { bytes, refused } = await counted(150_000, { maxEntries: 100_000, maxBytes: 64 * mb })
    assert.ok(bytes < 64 * mb, `${bytes} bytes`)
    assert.equal(refused, 1500 - 3)
  })
})

const mb = 1024 * 1024

/** What a process tells that has counted so many callers, and one of them every hundred. */
async function counted(
  callers: number,
  { maxEntries, maxBytes }: { maxEntries: number; maxBytes: number },
): Promise<{ bytes: number; keys: number; refused: number }> {
  const file = new URL('../support/many-limits.ts', import.meta.url)
  const child = await forkApp(file, [callers, maxEntries, maxBytes].map(String))
  await child.stop()
  return JSON.parse(child.url) as { bytes: number; keys: number; refused: number }
}

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { beforeEach, describe, it } from 'mocha'
import type { Budget, Charge } from '../lib/ports/budgets.ts'
import type { Provider } from '../lib/ports/provider.ts'
import { embeddedProvider } from '../lib/providers/embedded/provider.ts'

const startMs = Date.UTC(2026, 10, 22)
const minuteMs = 60_000

let nowMs = startMs
let store: Provider
beforeEach(() => {
  nowMs = startMs
  store = embeddedProvider({ now: () => nowMs })
})

async function take(charge: Partial<Charge>): Promise<Budget> {
  const whole: Charge = {
    key: 'key',
    algorithm: 'sliding',
    limit: 10,
    windowMs: minuteMs,
    cost: 1,
    ...charge,
  }
  const [budget] = await store.budgets.charge([whole])
  assert.ok(budget)
  return budget
}

/** What was allowed, written down. */
class Log {
  readonly #allowed: { at: number; cost: number }[] = []

  add(cost: number): void {
    this.#allowed.push({ at: nowMs, cost })
  }

  /** What was used in the last `spanMs`. */
  used(spanMs: number): number {
    const recent = this.#allowed.filter(({ at }) => nowMs - at < spanMs)
    return recent.reduce((sum, { cost }) => sum + cost, 0)
  }
}

describe('a sliding budget, by its clock', () => {
  const requests = fc.record({
    limit: fc.oneof(fc.integer({ min: 1, max: 24 }), fc.integer({ min: 25, max: 80 })),
    windowMs: fc.integer({ min: 1, max: 3_000 }),
    steps: fc.array(
      fc.record({
        wait: fc.oneof(fc.constant(0), fc.nat(100), fc.nat(1_300)),
        cost: fc.nat(100),
      }),
      { minLength: 1, maxLength: 150 },
    ),
  })

  it('never lets more than the limit pass in any window, and refuses only what must wait', async () => {
    await fc.assert(
      fc.asyncProperty(requests, async ({ limit, windowMs, steps }) => {
        store = embeddedProvider({ now: () => nowMs })
        const log = new Log()
        // Up to 24 that is the window itself: all that fits must pass, and nothing else.
        const wholeMs = limit <= 24 ? windowMs : 13 * Math.ceil(windowMs / 12)
        for (const step of steps) {
          nowMs += Math.round((step.wait / 1_000) * windowMs)
          const cost = step.cost % (limit + 2)
          const before = log.used(wholeMs)
          const { allowed, used } = await take({ limit, windowMs, cost })
          if (allowed) log.add(cost)
          else assert.ok(before + cost > limit, 'refused without need')
          assert.ok(log.used(windowMs) <= limit, 'more than the limit in a window')
          assert.ok(used >= log.used(windowMs) && used <= log.used(wholeMs))
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('tells to the millisecond when a refused charge could pass', async () => {
    await fc.assert(
      fc.asyncProperty(requests, async ({ limit, windowMs, steps }) => {
        store = embeddedProvider({ now: () => nowMs })
        for (const step of steps) {
          nowMs += Math.round((step.wait / 1_000) * windowMs)
          const cost = (step.cost % limit) + 1
          const { allowed, retryMs } = await take({ limit, windowMs, cost })
          if (allowed) continue
          nowMs += retryMs - 1
          assert.equal((await take({ limit, windowMs, cost })).allowed, false)
          nowMs += 1
          assert.equal((await take({ limit, windowMs, cost })).allowed, true)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('never refuses a client that paces itself exactly, up to a limit of 24', async () => {
    for (const limit of [1, 2, 7, 24]) {
      for (let at = 0; at < 200; at += 1) {
        const budget = await take({ key: `${limit}`, limit, windowMs: 1_000 })
        assert.equal(budget.allowed, true, `${limit} at ${nowMs}`)
        nowMs += at % limit === limit - 1 ? 1_000 : 0
      }
    }
  })

  it('lets a client above 24 that paces itself exactly have eleven twelfths at least', async () => {
    let allowed = 0
    for (let at = 0; at < 12_000; at += 1) {
      if ((await take({ limit: 120, windowMs: 1_200 })).allowed) allowed += 1
      nowMs += 10
    }
    assert.ok(allowed >= 11_000, `${allowed}`)
  })

  it('counts a charge above 24 for a window and up to a twelfth more', async () => {
    for (let offset = 0; offset < 100; offset += 1) {
      const charge = { key: `${offset}`, limit: 30, windowMs: 1_200, cost: 30 }
      nowMs = startMs + offset
      const { resetMs } = await take(charge)
      assert.equal(resetMs, 1_300 - offset)
      nowMs += 1_200 - offset + 99
      assert.equal((await take(charge)).allowed, false)
      nowMs += 1
      assert.equal((await take(charge)).allowed, true)
    }
  })

  it('comes back a charge at a time', async () => {
    for (let at = 0; at < 3; at += 1) {
      await take({ limit: 3, windowMs: 1_000 })
      nowMs += 100
    }
    const budget = await take({ limit: 3, windowMs: 1_000, cost: 2 })
    assert.deepEqual(budget, {
      allowed: false,
      used: 3,
      remaining: 0,
      resetMs: 700,
      retryMs: 800,
      blockedMs: 0,
      mark: 0,
    })
    nowMs += 700
    assert.equal((await take({ limit: 3, windowMs: 1_000, cost: 0 })).used, 2)
  })

  it('leaves no key when all has come back', async () => {
    await take({ limit: 100 })
    nowMs += (minuteMs / 12) * 13
    assert.deepEqual(await store.keys('*'), [])
  })
})

describe('a sliding budget whose limit changes', () => {
  for (const [first, then] of [
    [20, 40],
    [40, 20],
  ] as const)
    it(`counts what was used at ${first} against ${then}`, async () => {
      for (let at = 0; at < 15; at += 1) await take({ limit: first })
      nowMs += 1_000
      const { allowed, used, remaining } = await take({ limit: then })
      assert.deepEqual([allowed, used, remaining], [true, 16, then - 16])
      assert.equal((await take({ limit: then, cost: then - 15 })).allowed, false)
      nowMs += (minuteMs / 12) * 13
      assert.equal((await take({ limit: then, cost: 0 })).used, 0)
    })

  it('refuses until enough has come back when it is lowered below what is used', async () => {
    await take({ limit: 100, cost: 90 })
    const { allowed, remaining, retryMs } = await take({ limit: 50, cost: 0 })
    assert.deepEqual([allowed, remaining], [false, 0])
    nowMs += retryMs
    assert.equal((await take({ limit: 50, cost: 50 })).allowed, true)
  })
})

describe('a fixed budget, by its clock', () => {
  const fixed = { algorithm: 'fixed', limit: 2, windowMs: 1_000 } as const

  it('begins its window with the first charge and ends it to the millisecond', async () => {
    await take(fixed)
    nowMs += 600
    assert.equal((await take(fixed)).resetMs, 400)
    const refused = await take(fixed)
    assert.deepEqual([refused.allowed, refused.retryMs], [false, 400])
    nowMs += 399
    assert.equal((await take(fixed)).allowed, false)
    nowMs += 1
    assert.deepEqual(await take(fixed), {
      allowed: true,
      used: 1,
      remaining: 1,
      resetMs: 1_000,
      retryMs: 0,
      blockedMs: 0,
      mark: nowMs + 1_000,
    })
  })
})

describe('a budget whose clock is set back by an hour', () => {
  for (const [name, rule] of Object.entries({
    'exact times': { algorithm: 'sliding', limit: 2 },
    'twelfths of a window': { algorithm: 'sliding', limit: 30 },
    'a counter': { algorithm: 'fixed', limit: 2 },
    'a level': { algorithm: 'gcra', limit: 2 },
  } as const))
    it(`counts for as long as it tells, and no longer (${name})`, async () => {
      const charge = { ...rule, windowMs: 1_200, cost: rule.limit }
      await take(charge)
      nowMs -= 60 * minuteMs
      const { allowed, retryMs } = await take(charge)
      assert.equal(allowed, false)
      assert.ok(retryMs <= 1_300, `${retryMs}`)
      nowMs += retryMs
      assert.equal((await take(charge)).allowed, true)
    })
})

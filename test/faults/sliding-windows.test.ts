import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { after, before, describe, it } from 'mocha'
import type { Budget, Budgets, Charge, Provider } from '../../lib/index.ts'
import { redisProvider } from '../../lib/providers/redis/provider.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

/** Units that were let pass, and between which times: before it was asked, after it was answered. */
interface Passed {
  readonly cost: number
  readonly from: number
  readonly to: number
}

/** What a client does at once, after a pause. */
const step = fc.record({
  pauseMs: fc.oneof(fc.nat(8), fc.nat(60)),
  parts: fc.array(fc.nat(10), { minLength: 1, maxLength: 4 }),
})

const plan = fc.record({
  limit: fc.oneof(fc.integer({ min: 1, max: 24 }), fc.integer({ min: 25, max: 200 })),
  windowMs: fc.integer({ min: 120, max: 400 }),
  steps: fc.array(step, { minLength: 20, maxLength: 40 }),
})

describe('a sliding window on Redis', function () {
  this.timeout(120_000)
  let server: TestServer
  let provider: Provider
  let budgets: Budgets
  before(async () => {
    server = await startRedis()
    provider = redisProvider({ url: server.url })
    budgets = provider.budgets
  })
  after(async () => {
    await provider.close()
    await server.stop()
  })

  let keys = 0
  function chargeOf({ limit, windowMs }: { limit: number; windowMs: number }): Charge {
    keys += 1
    const key = `limit:{user~u${keys}}:rule:s${windowMs}`
    return { key, algorithm: 'sliding', limit, windowMs, cost: 1 }
  }

  async function take(charge: Charge, passed: Passed[]): Promise<Budget> {
    const from = performance.now()
    const [budget] = await budgets.charge([charge])
    assert.ok(budget)
    if (budget.allowed) passed.push({ cost: charge.cost, from, to: performance.now() })
    return budget
  }

  it('never holds more than its limit, wherever it starts', async () => {
    const property = fc.asyncProperty(
      fc.array(plan, { minLength: 8, maxLength: 8 }),
      async (plans) => {
        await Promise.all(
          plans.map(async ({ limit, windowMs, steps }) => {
            const charge = chargeOf({ limit, windowMs })
            const passed: Passed[] = []
            for (const { pauseMs, parts } of steps) {
              await sleep(pauseMs)
              const costs = parts.map((part) => Math.max(1, Math.ceil((part * limit) / 20)))
              await Promise.all(costs.map((cost) => take({ ...charge, cost }, passed)))
            }
            assert.ok(passed.length > 0)
            assert.ok(mostIn(passed, windowMs) <= limit, `${limit} in ${windowMs} ms`)
          }),
        )
      },
    )
    await fc.assert(property, { numRuns: 12, endOnFailure: true })
  })

  it('never refuses whom it told to wait, and who has waited', async () => {
    const property = fc.asyncProperty(
      fc.array(plan, { minLength: 8, maxLength: 8 }),
      async (plans) => {
        await Promise.all(
          plans.map(async ({ limit, windowMs, steps }) => {
            const charge = chargeOf({ limit, windowMs })
            for (const { parts } of steps.slice(0, 5)) {
              const cost = Math.max(1, Math.ceil(((parts[0] ?? 1) * limit) / 10))
              const { allowed, retryMs } = await take({ ...charge, cost }, [])
              if (allowed) continue
              await until(performance.now() + retryMs)
              assert.equal((await take({ ...charge, cost }, [])).allowed, true)
            }
          }),
        )
      },
    )
    await fc.assert(property, { numRuns: 6, endOnFailure: true })
  })

  it('never refuses a client that keeps to a limit of up to 24 exactly', async () => {
    const paced = fc.record({
      limit: fc.integer({ min: 1, max: 24 }),
      windowMs: fc.integer({ min: 120, max: 400 }),
      pausesMs: fc.array(fc.nat(30), { minLength: 30, maxLength: 50 }),
    })
    const property = fc.asyncProperty(
      fc.array(paced, { minLength: 8, maxLength: 8 }),
      async (clients) => {
        await Promise.all(
          clients.map(async ({ limit, windowMs, pausesMs }) => {
            const charge = chargeOf({ limit, windowMs })
            const passed: Passed[] = []
            const rounds = pausesMs.slice(0, 3 * limit + 3)
            for (const [at, pauseMs] of rounds.entries()) {
              // Some pause, some come as soon as a window is over for the first of them.
              await sleep(pauseMs % 3 === 0 ? pauseMs : 0)
              await until((passed[at - limit]?.to ?? 0) + windowMs)
              const { allowed } = await take(charge, passed)
              assert.equal(allowed, true, `${at + 1}. of ${limit} in ${windowMs} ms`)
            }
          }),
        )
      },
    )
    await fc.assert(property, { numRuns: 4, endOnFailure: true })
  })
})

/** The most that has surely passed within less than one window. */
function mostIn(passed: readonly Passed[], windowMs: number): number {
  const sums = passed.map(({ from }) =>
    passed
      .filter((each) => each.from >= from && each.to < from + windowMs)
      .reduce((sum, { cost }) => sum + cost, 0),
  )
  return Math.max(...sums)
}

/** Timers may be early by a little. */
async function until(time: number): Promise<void> {
  while (performance.now() < time) await sleep(Math.max(1, time - performance.now()))
}

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import type { Charge } from '../../lib/ports/budgets.ts'
import {
  clocked,
  only,
  settlement,
  startMs,
  type Taken,
  total,
} from '../support/clocked-budgets.ts'

/** Which charge is settled, and what part of it is left. */
interface Settles {
  readonly which: number
  readonly share: number
}

const limits = fc.oneof(fc.integer({ min: 1, max: 24 }), fc.integer({ min: 25, max: 60 }))

describe('a sliding budget that is settled while its limit changes', () => {
  const runs = fc.record({
    windowMs: fc.integer({ min: 12, max: 2_000 }),
    steps: fc.array(
      fc.record({
        wait: fc.oneof(fc.constant(0), fc.nat(200), fc.nat(1_300)),
        cost: fc.nat(40),
        limit: limits,
        settles: fc.option(fc.record({ which: fc.nat(9), share: fc.nat(100) }), { nil: undefined }),
      }),
      { minLength: 1, maxLength: 60 },
    ),
  })

  it('never lets more than the limit of then pass in any window', async () => {
    await fc.assert(
      fc.asyncProperty(runs, async ({ windowMs, steps }) => {
        const { budgets, clock } = clocked()
        const log: Taken[] = []
        for (const step of steps) {
          clock.ms += Math.round((step.wait / 1_000) * windowMs)
          await takeStep(step)
          await settleStep(step)
        }

        async function takeStep({ cost, limit }: { cost: number; limit: number }): Promise<void> {
          const rule = { key: 'key', algorithm: 'sliding', limit, windowMs, cost } as const
          const { allowed, mark } = await only(budgets.charge([rule]))
          if (!allowed || cost === 0) return
          log.push({ at: clock.ms, rule, mark, charged: cost })
          const recent = log.filter(({ at }) => clock.ms - at < windowMs)
          const used = total(recent)
          assert.ok(used <= limit, `${used} of ${limit} in a window`)
        }

        async function settleStep({ settles }: { settles: Settles | undefined }): Promise<void> {
          const late = settles && log.at(-1 - (settles.which % log.length))
          if (settles === undefined || late === undefined) return
          const less = Math.floor((late.charged * settles.share) / 100)
          await budgets.settle([settlement(late, less)])
          late.charged = less
        }
      }),
      { numRuns: 500 },
    )
  })

  it('lets a client pass that waits as long as it was told', async () => {
    await fc.assert(
      fc.asyncProperty(runs, async ({ windowMs, steps }) => {
        const { budgets, clock } = clocked()
        for (const { wait, cost, limit } of steps) {
          clock.ms += Math.round((wait / 1_000) * windowMs)
          const charge = { key: 'key', algorithm: 'sliding', limit, windowMs } as const
          const whole = { ...charge, cost: (cost % limit) + 1 }
          const { allowed, retryMs } = await only(budgets.charge([whole]))
          if (allowed) continue
          clock.ms += retryMs
          assert.equal((await only(budgets.charge([whole]))).allowed, true)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('never refuses a client up to a limit of 24 that leaves a part of the window between', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 24 }),
        fc.integer({ min: 1, max: 500 }),
        fc.nat(100_000),
        async (limit, partMs, offset) => {
          const { budgets, clock } = clocked()
          clock.ms += offset
          const rule = {
            key: 'key',
            algorithm: 'sliding',
            limit,
            windowMs: limit * partMs,
            cost: 1,
          }
          for (let passed = 0; passed < 3 * limit; passed += 1) {
            const { allowed } = await only(budgets.charge([rule as Charge]))
            assert.equal(allowed, true)
            clock.ms += partMs
          }
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('settlements', () => {
  const steps = fc.array(
    fc.record({ which: fc.nat(9), cost: fc.nat(200), charges: fc.boolean() }),
    { minLength: 1, maxLength: 40 },
  )

  for (const algorithm of ['sliding', 'fixed', 'gcra'] as const)
    it(`leave what the charges came to together (${algorithm})`, async () => {
      await fc.assert(
        fc.asyncProperty(limits, steps, async (limit, list) => {
          const { budgets } = clocked()
          const log: Taken[] = []
          for (const { which, cost, charges } of list) {
            const late = log[which % Math.max(1, log.length)]
            if (charges || late === undefined) await take(cost % (limit + 2))
            else await settle(late, cost)
          }

          async function take(cost: number): Promise<void> {
            const rule = { key: 'key', algorithm, limit, windowMs: 60_000, cost }
            const fits = total(log) + cost <= limit
            const { allowed, mark } = await only(budgets.charge([rule]))
            assert.equal(allowed, fits)
            if (allowed && cost > 0) log.push({ at: 0, rule, mark, charged: cost })
          }

          async function settle(late: Taken, cost: number): Promise<void> {
            const { used, remaining, mark } = await only(budgets.settle([settlement(late, cost)]))
            late.charged = cost
            late.mark = mark
            assert.deepEqual([used, remaining], [total(log), Math.max(0, limit - total(log))])
          }
        }),
        { numRuns: 500 },
      )
    })
})

/** In whole numbers: a unit takes as many ticks as the window has milliseconds. */
function scheduling(rule: { limit: number; windowMs: number; burst: number }) {
  let arrival = 0n
  return (ms: number, cost: number): boolean => {
    const now = BigInt(ms * rule.limit)
    const next = (arrival > now ? arrival : now) + BigInt(cost * rule.windowMs)
    const fits = next - now <= BigInt(rule.burst * rule.windowMs)
    if (fits) arrival = next
    return fits
  }
}

describe('a budget that comes back evenly, by its clock', () => {
  const runs = fc.record({
    limit: fc.integer({ min: 1, max: 1_000 }),
    burst: fc.integer({ min: 1, max: 100 }),
    windowMs: fc.integer({ min: 1, max: 100_000 }),
    steps: fc.array(fc.record({ wait: fc.nat(3_000), cost: fc.nat(20) }), {
      minLength: 1,
      maxLength: 80,
    }),
  })

  it('lets pass what the virtual scheduling form of ITU-T I.371 does', async () => {
    await fc.assert(
      fc.asyncProperty(runs, async ({ limit, burst, windowMs, steps }) => {
        const { budgets, clock } = clocked()
        const tests = scheduling({ limit, windowMs, burst })
        for (const { wait, cost } of steps) {
          clock.ms += Math.round((wait * windowMs) / limit / 1_000)
          const rule = { key: 'key', algorithm: 'gcra', limit, burst, windowMs, cost } as const
          const { allowed, retryMs } = await only(budgets.charge([rule]))
          assert.equal(allowed, tests(clock.ms - startMs, cost))
          clock.ms += Number.isFinite(retryMs) ? retryMs : 0
          const { allowed: later } = await only(budgets.peek([rule]))
          assert.ok(allowed || cost > burst || later, 'refused after the wait it told')
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('slots, by their clock', () => {
  const steps = fc.array(
    fc.record({
      wait: fc.nat(400),
      lease: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      act: fc.constantFrom('charge' as const, 'charge' as const, 'renew' as const, 'free' as const),
    }),
    { minLength: 1, maxLength: 80 },
  )

  it('are never more than the limit, but for leases that are renewed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), steps, async (limit, list) => {
        const { budgets, clock } = clocked()
        const ends = new Map<string, number>()
        const ruleOf = (lease: string) =>
          ({ key: 'key', algorithm: 'concurrency', limit, windowMs: 1_000, lease }) as const
        const acts = {
          async charge(lease: string) {
            const fits = ends.has(lease) || ends.size < limit
            if (fits) ends.set(lease, clock.ms + 1_000)
            const { allowed, used } = await only(budgets.charge([{ ...ruleOf(lease), cost: 1 }]))
            assert.deepEqual([allowed, used], [fits, ends.size])
          },
          async renew(lease: string) {
            await budgets.renew([{ key: 'key', lease, leaseMs: 1_000 }])
            ends.set(lease, clock.ms + 1_000)
          },
          async free(lease: string) {
            ends.delete(lease)
            const back = { ...ruleOf(lease), mark: 1, charged: 1, cost: 0 }
            assert.equal((await only(budgets.settle([back]))).used, ends.size)
          },
        }
        for (const { wait, lease, act } of list) {
          clock.ms += wait
          for (const [name, endsAt] of ends) if (endsAt <= clock.ms) ends.delete(name)
          await acts[act](lease)
        }
      }),
      { numRuns: 500 },
    )
  })
})

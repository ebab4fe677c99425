import assert from 'node:assert/strict'
import fc from 'fast-check'
import { after, before, describe, it } from 'mocha'
import type { Budgets, Charge, Provider } from '../../lib/index.ts'
import { redisProvider } from '../../lib/providers/redis/provider.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

const ruleOf = { algorithm: 'sliding', limit: 20, windowMs: 100_000_000, cost: 1 } as const

/** Rules of one client: what is charged of one is charged of all. */
const rules: readonly Omit<Charge, 'key'>[] = [
  ruleOf,
  { ...ruleOf, limit: 60 },
  { ...ruleOf, algorithm: 'fixed', limit: 50 },
  { ...ruleOf, algorithm: 'gcra', limit: 30, burst: 40 },
]

type Act =
  | { readonly what: 'charge'; readonly cost: number }
  | { readonly what: 'settle'; readonly which: number; readonly cost: number }

const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ what: fc.constant('charge' as const), cost: fc.nat(8) }),
  fc.record({ what: fc.constant('settle' as const), which: fc.nat(50), cost: fc.nat(12) }),
)

/** What a charge has taken of each rule until now. */
interface Taken {
  charged: number
  marks: readonly number[]
  /** Two settlements of one charge at once are the caller's mistake. */
  busy: boolean
}

describe('the sums of budgets on Redis', () => {
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

  let clients = 0

  /** Charges and settles what a plan says, step by step; the acts of a step at once. */
  function client() {
    clients += 1
    const of = (cost: number) =>
      rules.map((rule, at) => ({ ...rule, cost, key: `limit:{user~${clients}}:${at}` }))
    const taken: Taken[] = []

    async function charge(cost: number): Promise<void> {
      const found = await budgets.charge(of(cost))
      if (!found.every(({ allowed }) => allowed)) return
      assert.ok(found.every(({ used }, at) => used <= (rules[at]?.burst ?? rules[at]?.limit ?? 0)))
      taken.push({ charged: cost, marks: found.map(({ mark }) => mark), busy: false })
    }

    async function settle(which: number, cost: number): Promise<void> {
      const one = taken[which % taken.length]
      if (one === undefined || one.marks.includes(0) || one.busy) return
      one.busy = true
      const found = await budgets.settle(
        of(cost).map((rule, at) => ({ ...rule, mark: one.marks[at] ?? 0, charged: one.charged })),
      )
      Object.assign(one, { charged: cost, marks: found.map(({ mark }) => mark), busy: false })
    }

    return {
      act: (each: Act) =>
        each.what === 'charge' ? charge(each.cost) : settle(each.which, each.cost),
      sum: () => taken.reduce((total, { charged }) => total + charged, 0),
      used: async () => (await budgets.peek(of(0))).map(({ used }) => used),
    }
  }

  it('are those of what was let pass, as it was settled', async () => {
    const plans = fc.array(fc.array(act, { minLength: 1, maxLength: 4 }), { maxLength: 25 })
    const property = fc.asyncProperty(plans, async (steps) => {
      const { act, sum, used } = client()
      for (const step of steps) {
        await Promise.all(step.map(act))
        assert.deepEqual(
          await used(),
          rules.map(() => sum()),
        )
      }
    })
    await fc.assert(property, { numRuns: 60 })
  })
})

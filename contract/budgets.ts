import assert from 'node:assert/strict'
import type { Budget, Charge } from '../lib/ports/budgets.ts'
import { bounds, message, session } from './conversation.ts'
import { counterContract } from './counter.ts'
import { failsWith, pause, within } from './expectations.ts'
import { fresh, hostile } from './names.ts'
import type { Opened, Suite } from './suite.ts'

const minuteMs = 60_000

/** The three ways a charge may be kept: times of their own, twelfths of a window, a counter. */
const shapes = [
  { shape: 'sliding, a few', algorithm: 'sliding', limit: 10, longestMs: minuteMs },
  { shape: 'sliding, many', algorithm: 'sliding', limit: 100, longestMs: (minuteMs / 12) * 13 },
  { shape: 'fixed', algorithm: 'fixed', limit: 10, longestMs: minuteMs },
] as const

type Shape = (typeof shapes)[number]

/** What budgets must do, on every provider. */
export function budgetsContract(suite: Suite): void {
  const { describe } = suite
  for (const shape of shapes) {
    describe(`a budget (${shape.shape})`, () => {
      charging(suite, shape)
      looking(suite, shape)
      if (shape.algorithm === 'sliding') sliding(suite, shape.limit)
    })
  }
  describe('a sliding budget whose limit changes', () => changing(suite))
  describe('several budgets', () => several(suite))
  describe('a counter', () => counterContract(suite))
}

/** Charges one budget. */
async function take(open: Opened, key: string, shape: Partial<Charge>): Promise<Budget> {
  const { algorithm = 'sliding', limit = 10, windowMs = minuteMs, cost = 1 } = shape
  const [budget] = await open().budgets.charge([{ key, algorithm, limit, windowMs, cost }])
  assert.ok(budget, 'one charge gives one budget')
  return budget
}

function charging({ open, it }: Suite, { algorithm, limit, longestMs }: Shape): void {
  const charge = (key: string, cost = 1) => take(open, key, { algorithm, limit, cost })

  it('lets exactly the limit of many at once pass', async () => {
    const key = fresh()
    const budgets = await Promise.all(Array.from({ length: limit * 3 }, () => charge(key)))
    assert.equal(budgets.filter(({ allowed }) => allowed).length, limit)
  })

  it('tells what is used, what remains, and when more comes back', async () => {
    const key = fresh()
    const { resetMs, ...budget } = await charge(key, 4)
    assert.deepEqual(budget, { allowed: true, used: 4, remaining: limit - 4, retryMs: 0 })
    within(resetMs, longestMs)
    within(await open().ttl(key), longestMs)
  })

  it('tells when a refused charge could pass', async () => {
    const key = fresh()
    await charge(key, limit)
    const { resetMs, retryMs, ...budget } = await charge(key)
    assert.deepEqual(budget, { allowed: false, used: limit, remaining: 0 })
    within(resetMs, longestMs)
    within(retryMs, longestMs)
  })

  it('writes nothing for a refused charge', async () => {
    const key = fresh()
    const most = limit * 0.6
    assert.equal((await charge(key, most)).allowed, true)
    const refused = await charge(key, most)
    assert.deepEqual([refused.allowed, refused.used], [false, most])
    assert.equal((await charge(key, limit * 0.4)).allowed, true)
  })

  it('never allows a cost above the limit', async () => {
    const key = fresh()
    const { allowed, used, remaining, resetMs, retryMs } = await charge(key, limit + 1)
    assert.deepEqual([allowed, used, remaining, resetMs], [false, 0, limit, 0])
    assert.equal(retryMs, Number.POSITIVE_INFINITY)
    assert.equal(await open().exists([key]), 0)
    assert.equal((await charge(key, limit)).allowed, true)
  })

  it('allows again after the wait it told', async () => {
    const key = fresh()
    const second = { algorithm, limit, windowMs: 1_000 }
    await take(open, key, { ...second, cost: limit })
    const { retryMs } = await take(open, key, second)
    within(retryMs, (1_008 / 12) * 13)
    await pause(retryMs + 5)
    assert.equal((await take(open, key, second)).allowed, true)
  })

  it('keeps hostile keys apart', async () => {
    await open().delete(hostile)
    for (const key of hostile) {
      assert.equal((await charge(key, limit)).allowed, true, JSON.stringify(key))
    }
    await open().budgets.clear(hostile)
    assert.equal(await open().exists(hostile), 0)
  })
}

function looking({ open, it }: Suite, { algorithm, limit, longestMs }: Shape): void {
  const charge = (key: string, cost = 1) => take(open, key, { algorithm, limit, cost })

  it('only looks at a cost of 0', async () => {
    const key = fresh()
    const unused = { allowed: true, used: 0, remaining: limit, resetMs: 0, retryMs: 0 }
    assert.deepEqual(await charge(key, 0), unused)
    assert.equal(await open().exists([key]), 0)

    await charge(key, limit)
    const { resetMs, ...budget } = await charge(key, 0)
    assert.deepEqual(budget, { allowed: true, used: limit, remaining: 0, retryMs: 0 })
    within(resetMs, longestMs)
  })

  it('forgets a budget that is cleared', async () => {
    const key = fresh()
    await charge(key, limit)
    await open().budgets.clear([key, fresh()])
    assert.equal((await charge(key, limit)).allowed, true)
  })

  it('takes a session under its key for corrupt', async () => {
    const keys = session()
    await open().history.append(keys, [message('m')], bounds())
    await failsWith('corrupt', charge(keys.index))
  })
}

function sliding({ open, it }: Suite, limit: number): void {
  it('comes back with the window of each charge, not of the first', async () => {
    const key = fresh()
    await take(open, key, { limit, cost: limit / 2 })
    await pause(300)
    const startedAt = performance.now()
    await take(open, key, { limit, cost: limit / 2 })
    const { retryMs } = await take(open, key, { limit, cost: limit })
    const leastMs = minuteMs - (performance.now() - startedAt) - 5
    assert.ok(retryMs >= leastMs, `${retryMs} is not ${leastMs} or more`)
  })
}

function changing({ open, it }: Suite): void {
  for (const [first, then] of [
    [20, 40],
    [40, 20],
  ] as const)
    it(`counts what was used of ${first} against ${then}`, async () => {
      const key = fresh()
      await take(open, key, { limit: first, cost: 15 })
      const next = await take(open, key, { limit: then })
      assert.deepEqual([next.allowed, next.used, next.remaining], [true, 16, then - 16])
      assert.equal((await take(open, key, { limit: then, cost: then - 15 })).allowed, false)
    })
}

function several({ open, it }: Suite): void {
  const requests: Omit<Charge, 'key'> = {
    algorithm: 'sliding',
    limit: 3,
    windowMs: minuteMs,
    cost: 1,
  }
  const tokens: Omit<Charge, 'key'> = { ...requests, limit: 100, cost: 60 }

  it('charges all, or none when one has no room', async () => {
    const [minute, day, tokenKey] = [fresh(), fresh(), fresh()]
    const charges: Charge[] = [
      { ...requests, key: minute },
      { ...requests, key: day, algorithm: 'fixed' },
      { ...tokens, key: tokenKey },
    ]
    const first = await open().budgets.charge(charges)
    assert.deepEqual(
      first.map(({ allowed, used }) => ({ allowed, used })),
      [1, 1, 60].map((used) => ({ allowed: true, used })),
    )
    const second = await open().budgets.charge(charges)
    assert.deepEqual(
      second.map(({ allowed, used }) => ({ allowed, used })),
      [
        { allowed: true, used: 1 },
        { allowed: true, used: 1 },
        { allowed: false, used: 60 },
      ],
    )
    assert.deepEqual(
      second.map(({ retryMs }) => retryMs > 0),
      [false, false, true],
    )
  })

  it('counts two charges on one key together', async () => {
    const key = fresh()
    const both = [
      { ...tokens, key, cost: 60 },
      { ...tokens, key, cost: 40 },
    ]
    const budgets = await open().budgets.charge(both)
    assert.deepEqual(
      budgets.map(({ allowed, used, remaining }) => [allowed, used, remaining]),
      [
        [true, 100, 0],
        [true, 100, 0],
      ],
    )
    const other = fresh()
    const tooMuch = both.map((charge) => ({ ...charge, key: other, cost: 51 }))
    const refused = await open().budgets.charge(tooMuch)
    assert.deepEqual(
      refused.map(({ allowed }) => allowed),
      [false, false],
    )
    assert.equal(await open().exists([other]), 0)
  })

  it('has nothing to do for no charges', async () => {
    assert.deepEqual(await open().budgets.charge([]), [])
    await open().budgets.clear([])
  })
}

import assert from 'node:assert/strict'
import { look, type Shape, settle, shapes, take } from './charging.ts'
import { minuteMs } from './conversation.ts'
import { pause } from './expectations.ts'
import { fresh } from './names.ts'
import type { Suite } from './suite.ts'

/** What a settlement must do, on every provider. */
export function budgetSettlingContract(suite: Suite): void {
  const { describe } = suite
  for (const shape of shapes) {
    describe(`a settled charge (${shape.shape})`, () => {
      correcting(suite, shape)
      chargingNothing(suite, shape)
      repeating(suite, shape)
      ending(suite, shape)
    })
  }
  describe('a settled charge (fixed) that is given back whole', () => keepingItsEnd(suite))
  describe('a large debt', () => owing(suite))
}

function correcting({ open, it }: Suite, { algorithm, limit }: Shape): void {
  const rule = { algorithm, limit }
  const tenth = limit / 10

  it('gives back what it did not come to, and not more', async () => {
    const key = fresh()
    const { mark } = await take(open, key, { ...rule, cost: 8 * tenth })
    const budget = await settle(open, key, { ...rule, mark, charged: 8 * tenth, cost: 2 * tenth })
    assert.deepEqual([budget.allowed, budget.used, budget.remaining], [true, 2 * tenth, 8 * tenth])
    assert.equal((await take(open, key, { ...rule, cost: 8 * tenth })).allowed, true)
    assert.equal((await take(open, key, rule)).allowed, false)
  })

  it('owes what it came to above what was charged', async () => {
    const key = fresh()
    const { mark } = await take(open, key, { ...rule, cost: tenth })
    const budget = await settle(open, key, { ...rule, mark, charged: tenth, cost: 15 * tenth })
    assert.deepEqual([budget.allowed, budget.used, budget.remaining], [false, 15 * tenth, 0])
    assert.ok(budget.resetMs > 0)
    const refused = await take(open, key, rule)
    assert.deepEqual([refused.allowed, refused.used, refused.remaining], [false, 15 * tenth, 0])
    assert.ok(refused.retryMs > 0)
  })

  it('owes what it came to where nothing was charged', async () => {
    const key = fresh()
    const { mark } = await take(open, key, { ...rule, cost: 0 })
    await take(open, key, { ...rule, cost: tenth })
    const first = await settle(open, key, { ...rule, mark, charged: 0, cost: 4 * tenth })
    assert.equal(first.used, 5 * tenth)
    const again = { ...rule, mark: first.mark, charged: 4 * tenth, cost: 3 * tenth }
    assert.equal((await settle(open, key, again)).used, 4 * tenth)

    const alone = fresh()
    const early = await take(open, alone, { ...rule, cost: 0 })
    const debt = { ...rule, mark: early.mark, charged: 0, cost: 2 * tenth }
    assert.equal((await settle(open, alone, debt)).used, 2 * tenth)
    assert.ok(Number(await open().ttl(alone)) > 0)
  })

  it('is given back whole at a cost of 0', async () => {
    const key = fresh()
    const { mark } = await take(open, key, { ...rule, cost: limit })
    const budget = await settle(open, key, { ...rule, mark, charged: limit, cost: 0 })
    assert.deepEqual(
      [budget.allowed, budget.used, budget.remaining, budget.resetMs],
      [true, 0, limit, 0],
    )
    assert.equal((await take(open, key, { ...rule, cost: limit })).allowed, true)
  })

  it('changes nothing where it came to what was charged', async () => {
    const key = fresh()
    const { mark } = await take(open, key, { ...rule, cost: 3 })
    assert.equal((await settle(open, key, { ...rule, mark, charged: 3, cost: 3 })).used, 3)
    assert.equal((await look(open, key, { ...rule, cost: 0 })).used, 3)
  })
}

function chargingNothing({ open, it }: Suite, { algorithm, limit }: Shape): void {
  const rule = { algorithm, limit }
  const tenth = limit / 10

  it('owes what all came to where nothing was charged, whichever is settled first', async () => {
    for (const isFirst of [true, false]) {
      const key = fresh()
      const one = await take(open, key, { ...rule, cost: 0 })
      await pause(5)
      const other = await take(open, key, { ...rule, cost: 0 })
      for (const { mark } of isFirst ? [one, other] : [other, one])
        await settle(open, key, { ...rule, mark, charged: 0, cost: tenth })
      assert.equal((await look(open, key, { ...rule, cost: 0 })).used, 2 * tenth)
    }
  })
}

function repeating({ open, it }: Suite, { algorithm, limit }: Shape): void {
  const rule = { algorithm, limit }

  it('is settled again from what it came to before', async () => {
    const key = fresh()
    let { mark } = await take(open, key, { ...rule, cost: 8 })
    let charged = 8
    const used = []
    for (const cost of [2, 15, 6, 6, 0, 3]) {
      const budget = await settle(open, key, { ...rule, mark, charged, cost })
      used.push(budget.used)
      mark = budget.mark
      charged = cost
    }
    assert.deepEqual(used, [2, 15, 6, 6, 0, 3])
  })

  it('leaves other charges alone', async () => {
    const key = fresh()
    const first = await take(open, key, { ...rule, cost: 3 })
    const second = await take(open, key, { ...rule, cost: 4 })
    const back = { ...rule, mark: first.mark, charged: 3, cost: 0 }
    assert.equal((await settle(open, key, back)).used, 4)
    const rest = { ...rule, mark: second.mark, charged: 4, cost: 1 }
    assert.equal((await settle(open, key, rest)).used, 1)
  })

  it('gives nothing back of a budget that was cleared', async () => {
    const key = fresh()
    const { mark } = await take(open, key, { ...rule, cost: 5 })
    await open().budgets.clear([key])
    const budget = await settle(open, key, { ...rule, mark, charged: 5, cost: 1 })
    assert.deepEqual([budget.used, budget.remaining], [0, limit])
    assert.equal((await take(open, key, { ...rule, cost: limit })).allowed, true)
  })

  it('loses none of many at once', async () => {
    const key = fresh()
    const charges = Array.from({ length: 10 }, () => take(open, key, rule))
    const marks = (await Promise.all(charges)).map(({ mark }) => mark)
    await Promise.all(
      marks.map((mark, at) => settle(open, key, { ...rule, mark, charged: 1, cost: at % 2 })),
    )
    assert.equal((await look(open, key, { ...rule, cost: 0 })).used, 5)
  })
}

function ending({ open, it }: Suite, { algorithm, limit }: Shape): void {
  it('is left as it is when its window is over: the next admits no more than the limit', async () => {
    const key = fresh()
    const windowMs = 240
    const rule = { algorithm, limit, windowMs }
    const charged = limit * 0.6
    const { mark } = await take(open, key, { ...rule, cost: charged })
    await pause((windowMs / 12) * 13 + 5)
    const startedAt = performance.now()
    assert.equal((await take(open, key, { ...rule, cost: limit })).used, limit)
    for (const cost of [0, limit]) {
      const { used } = await settle(open, key, { ...rule, mark, charged, cost })
      // By now so much may have come back by itself, in a leaking bucket.
      const backs = limit * ((performance.now() - startedAt) / windowMs)
      assert.ok(used >= Math.floor(limit - backs) && used <= limit, `${used} after ${cost}`)
    }
  })
}

function keepingItsEnd({ open, it }: Suite): void {
  const rule = { algorithm: 'fixed', limit: 10, windowMs: minuteMs } as const

  it('goes on with the same window', async () => {
    const key = fresh()
    const { mark } = await take(open, key, { ...rule, cost: 4 })
    const budget = await settle(open, key, { ...rule, mark, charged: 4, cost: 0 })
    assert.deepEqual([budget.used, budget.resetMs], [0, 0])
    await pause(20)
    const again = await take(open, key, rule)
    assert.equal(again.mark, mark)
    assert.ok(again.resetMs <= minuteMs - 20, `${again.resetMs}`)
    assert.equal((await settle(open, key, { ...rule, mark, charged: 0, cost: 7 })).used, 8)
  })

  it('tells that another window has begun also where nothing is to be changed', async () => {
    const key = fresh()
    const { mark } = await take(open, key, rule)
    await open().budgets.clear([key])
    await pause(20)
    await take(open, key, rule)
    const same = await settle(open, key, { ...rule, mark, charged: 1, cost: 1 })
    assert.deepEqual([same.used, same.mark], [1, 0])
  })

  it('is settled still where the budget was cleared meanwhile', async () => {
    const key = fresh()
    const { mark } = await take(open, key, { ...rule, cost: 4 })
    await open().budgets.clear([key])
    const less = await settle(open, key, { ...rule, mark, charged: 4, cost: 1 })
    assert.deepEqual([less.used, less.mark], [0, mark])
    assert.equal((await settle(open, key, { ...rule, mark, charged: 1, cost: 3 })).used, 2)
  })
}

function owing({ open, it }: Suite): void {
  for (const { shape, algorithm, limit } of shapes)
    it(`takes no more memory than a small one (${shape})`, async () => {
      const key = fresh()
      const rule = { algorithm, limit }
      const { mark } = await take(open, key, { ...rule, cost: 2 })
      const debt = { ...rule, mark, charged: 2, cost: 1_000_000 }
      const owed = await settle(open, key, debt)
      assert.equal(owed.used, 1_000_000)
      const bytes = (await open().inspection?.size(key)) ?? 0
      assert.ok(bytes < 1_000, `${bytes} bytes`)
      const least = { ...rule, mark: owed.mark, charged: 1_000_000, cost: 1 }
      assert.equal((await settle(open, key, least)).used, 1)
    })
}

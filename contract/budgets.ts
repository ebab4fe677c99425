import assert from 'node:assert/strict'
import { budgetBlocksContract } from './budget-blocks.ts'
import { budgetLeakContract } from './budget-leak.ts'
import { budgetSettlingContract } from './budget-settling.ts'
import { budgetSlotsContract } from './budget-slots.ts'
import { look, type Shape, settle, shapes, take, told } from './charging.ts'
import { bounds, message, minuteMs, session } from './conversation.ts'
import { failsWith, pause, within } from './expectations.ts'
import { fresh, hostile } from './names.ts'
import { severalBudgetsContract } from './several-budgets.ts'
import type { Suite } from './suite.ts'

/** What budgets must do, on every provider. */
export function budgetsContract(suite: Suite): void {
  const { describe } = suite
  for (const shape of shapes) {
    describe(`a budget (${shape.shape})`, () => {
      charging(suite, shape)
      refusing(suite, shape)
      looking(suite, shape)
      if (shape.algorithm === 'sliding') sliding(suite, shape.limit)
    })
  }
  describe('a sliding budget whose limit changes', () => changing(suite))
  budgetSettlingContract(suite)
  budgetLeakContract(suite)
  budgetSlotsContract(suite)
  budgetBlocksContract(suite)
  severalBudgetsContract(suite)
}

function charging({ open, it }: Suite, shape: Shape): void {
  const { algorithm, limit, backMs, fourMs } = shape
  const charge = (key: string, cost = 1) => take(open, key, { algorithm, limit, cost })

  it('lets exactly the limit of many at once pass', async () => {
    const key = fresh()
    const budgets = await Promise.all(Array.from({ length: limit * 3 }, () => charge(key)))
    assert.equal(budgets.filter(({ allowed }) => allowed).length, limit)
  })

  it('tells what is used, what remains, and when more comes back', async () => {
    const key = fresh()
    const { resetMs, mark, ...budget } = await charge(key, 4)
    assert.deepEqual(budget, {
      allowed: true,
      used: 4,
      remaining: limit - 4,
      retryMs: 0,
      blockedMs: 0,
    })
    within(resetMs, backMs)
    within(await open().ttl(key), fourMs)
    assert.ok(Number.isFinite(mark) && mark > 0, `${mark} is no mark`)
  })

  it('keeps hostile keys apart', async () => {
    await open().delete(hostile)
    for (const key of hostile) {
      assert.equal((await charge(key, limit)).allowed, true, JSON.stringify(key))
    }
    await open().budgets.clear(hostile)
    assert.equal(await open().exists(hostile), 0)
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

function refusing({ open, it }: Suite, { algorithm, limit, backMs }: Shape): void {
  const charge = (key: string, cost = 1) => take(open, key, { algorithm, limit, cost })

  it('tells when a refused charge could pass', async () => {
    const key = fresh()
    await charge(key, limit)
    const { resetMs, retryMs, ...budget } = await charge(key)
    assert.deepEqual(budget, {
      allowed: false,
      used: limit,
      remaining: 0,
      blockedMs: 0,
      mark: 0,
    })
    within(resetMs, backMs)
    within(retryMs, backMs)
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
    const short = { algorithm, limit, windowMs: 240, cost: limit }
    await take(open, key, short)
    const { retryMs } = await take(open, key, short)
    within(retryMs, (240 / 12) * 13)
    await pause(retryMs + 5)
    assert.equal((await take(open, key, short)).allowed, true)
  })
}

function looking({ open, it }: Suite, { algorithm, limit, backMs }: Shape): void {
  const charge = (key: string, cost = 1) => take(open, key, { algorithm, limit, cost })
  const peek = (key: string, cost = 1) => look(open, key, { algorithm, limit, cost })

  it('only looks at a cost of 0', async () => {
    const key = fresh()
    const unused = { allowed: true, retryMs: 0, blockedMs: 0 }
    const { mark, ...nothing } = await charge(key, 0)
    assert.deepEqual(nothing, { ...unused, used: 0, remaining: limit, resetMs: 0 })
    assert.ok(mark > 0)
    assert.equal(await open().exists([key]), 0)

    await charge(key, limit)
    const { resetMs, mark: _, ...budget } = await charge(key, 0)
    assert.deepEqual(budget, { ...unused, used: limit, remaining: 0 })
    within(resetMs, backMs)
  })

  it('peeks at how it stands and whether a charge would have room, and writes nothing', async () => {
    const key = fresh()
    let used = 0
    for (const cost of [limit * 0.6, limit * 0.4, 1, 0]) {
      const before = await peek(key, cost)
      assert.deepEqual(told([await peek(key, cost)]), told([before]))
      assert.deepEqual([before.used, before.remaining, before.mark], [used, limit - used, 0])
      const after = await charge(key, cost)
      assert.equal(before.allowed, after.allowed, `a cost of ${cost}`)
      assert.ok(Math.abs(before.retryMs - after.retryMs) < 5_001, `a cost of ${cost}`)
      used = after.used
    }
    const other = fresh()
    await peek(other, limit)
    assert.equal(await open().exists([other]), 0)
  })
}

function sliding({ open, it }: Suite, limit: number): void {
  it('lets nothing more pass before a window is over, wherever it began', async () => {
    const rule = { limit, windowMs: 360 }
    const waits = [0, 6, 12, 18, 24].map(async (apartMs) => {
      await pause(apartMs)
      const key = fresh()
      const sentAt = performance.now()
      await take(open, key, { ...rule, cost: limit })
      while (!(await take(open, key, rule)).allowed) await pause(1)
      return performance.now() - sentAt
    })
    for (const waitMs of await Promise.all(waits))
      assert.ok(waitMs > rule.windowMs - 1, `passed after ${waitMs} ms`)
  })

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

  it('tells when there is something to use again where more is used than the limit', async () => {
    const key = fresh()
    await take(open, key, { limit, cost: 1 })
    await pause(300)
    const startedAt = performance.now()
    const { mark } = await take(open, key, { limit, cost: 1 })
    const owed = await settle(open, key, { limit, mark, charged: 1, cost: limit + 1 })
    const leastMs = minuteMs - (performance.now() - startedAt) - 5
    assert.equal(owed.used, limit + 2)
    for (const { resetMs } of [owed, await look(open, key, { limit, cost: 0 })])
      assert.ok(resetMs >= leastMs, `${resetMs} is not ${leastMs} or more`)
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

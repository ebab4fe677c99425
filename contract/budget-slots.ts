import assert from 'node:assert/strict'
import type { Charge } from '../lib/ports/budgets.ts'
import { chargeOf, look, settle, take, told } from './charging.ts'
import { minuteMs } from './conversation.ts'
import { eventually, pause, within } from './expectations.ts'
import { fresh } from './names.ts'
import type { Suite } from './suite.ts'

/** What budgets of slots must do, on every provider. */
export function budgetSlotsContract(suite: Suite): void {
  suite.describe('a budget of slots', () => {
    holding(suite)
    givingBack(suite)
    leasing(suite)
  })
}

function slot(lease: string, given: Partial<Charge> = {}): Partial<Charge> {
  return { algorithm: 'concurrency', limit: 2, lease, ...given }
}

function holding({ open, it }: Suite): void {
  it('lets exactly the limit of many at once hold one', async () => {
    const key = fresh()
    const charges = Array.from({ length: 30 }, () => take(open, key, slot(fresh(), { limit: 10 })))
    const passed = (await Promise.all(charges)).filter(({ allowed }) => allowed)
    assert.equal(passed.length, 10)
  })

  it('tells what is held, and when the first lease ends', async () => {
    const key = fresh()
    const { resetMs, mark, ...budget } = await take(open, key, slot('a'))
    assert.deepEqual(budget, { allowed: true, used: 1, remaining: 1, retryMs: 0, blockedMs: 0 })
    within(resetMs, minuteMs)
    within(await open().ttl(key), minuteMs)
    await take(open, key, slot('b'))
    const refused = await take(open, key, slot('c'))
    assert.deepEqual(
      [refused.allowed, refused.used, refused.remaining, refused.mark],
      [false, 2, 0, 0],
    )
    within(refused.retryMs, minuteMs)
  })

  it('holds one slot for a lease, however often it is charged', async () => {
    const key = fresh()
    const twice = [chargeOf(key, slot('a')), chargeOf(key, slot('a'))]
    assert.deepEqual(told(await open().budgets.charge(twice)), [
      [true, 1],
      [true, 1],
    ])
    assert.equal((await take(open, key, slot('b'))).used, 2)
    assert.deepEqual(told([await take(open, key, slot('a'))]), [[true, 2]])
  })

  it('tells when one is free again where more are held than the limit', async () => {
    const key = fresh()
    await take(open, key, slot('a', { limit: 3, windowMs: minuteMs }))
    await take(open, key, slot('b', { limit: 3, windowMs: 2 * minuteMs }))
    await take(open, key, slot('c', { limit: 3, windowMs: 3 * minuteMs }))
    const { remaining, resetMs } = await look(open, key, slot('d', { limit: 2, cost: 0 }))
    assert.equal(remaining, 0)
    assert.ok(resetMs > minuteMs && resetMs <= 2 * minuteMs, `${resetMs}`)
  })

  it('only looks at a cost of 0, and in a peek', async () => {
    const key = fresh()
    assert.deepEqual(told([await take(open, key, slot('a', { cost: 0 }))]), [[true, 0]])
    assert.deepEqual(told([await look(open, key, slot('a'))]), [[true, 0]])
    assert.equal(await open().exists([key]), 0)
    for (const lease of ['a', 'b']) await take(open, key, slot(lease))
    assert.deepEqual(told([await look(open, key, slot('c'))]), [[false, 2]])
    assert.deepEqual(told([await look(open, key, slot('a'))]), [[true, 2]])
  })
}

function givingBack({ open, it }: Suite): void {
  it('has a slot free where one is given back, once', async () => {
    const key = fresh()
    const { mark } = await take(open, key, slot('a'))
    await take(open, key, slot('b'))
    const back = { ...slot('a'), mark, charged: 1, cost: 0 }
    for (let times = 0; times < 2; times += 1) {
      const { allowed, used, remaining } = await settle(open, key, back)
      assert.deepEqual([allowed, used, remaining], [true, 1, 1])
    }
    assert.equal((await take(open, key, slot('c'))).allowed, true)
    assert.equal((await take(open, key, slot('d'))).allowed, false)
  })

  it('has nothing left in a settlement while all are held', async () => {
    const key = fresh()
    const { mark } = await take(open, key, slot('a'))
    await take(open, key, slot('b'))
    const kept = await settle(open, key, { ...slot('a'), mark, charged: 1, cost: 1 })
    assert.deepEqual([kept.allowed, kept.used, kept.remaining], [false, 2, 0])
    within(kept.retryMs, minuteMs)
  })

  it('has nothing to settle any more where a slot is gone', async () => {
    const key = fresh()
    const { mark } = await take(open, key, slot('a'))
    await take(open, key, slot('b'))
    const rule = { ...slot('a'), mark, charged: 1 }
    assert.ok((await settle(open, key, { ...rule, cost: 1 })).mark > 0)
    await settle(open, key, { ...rule, cost: 0 })
    assert.equal((await settle(open, key, { ...rule, cost: 1 })).mark, 0)
  })

  it('is unused when all are given back', async () => {
    const key = fresh()
    const { mark } = await take(open, key, slot('a'))
    const budget = await settle(open, key, { ...slot('a'), mark, charged: 1, cost: 0 })
    assert.deepEqual([budget.used, budget.remaining, budget.resetMs], [0, 2, 0])
    assert.equal(await open().exists([key]), 0)
  })

  it('forgets all slots when it is cleared', async () => {
    const key = fresh()
    for (const lease of ['a', 'b']) await take(open, key, slot(lease))
    await open().budgets.clear([key])
    assert.deepEqual(told([await take(open, key, slot('c'))]), [[true, 1]])
  })
}

function leasing({ open, it }: Suite): void {
  it('has a slot free when its lease ends, and not before', async () => {
    const key = fresh()
    await take(open, key, slot('a', { limit: 1, windowMs: 250 }))
    const { allowed, retryMs } = await take(open, key, slot('b', { limit: 1 }))
    assert.equal(allowed, false)
    within(retryMs, 250)
    await eventually(async () => (await take(open, key, slot('b', { limit: 1 }))).allowed)
    assert.equal((await take(open, key, slot('c', { limit: 1 }))).allowed, false)
  })

  it('has a slot free when its lease ends while others go on', async () => {
    const key = fresh()
    await take(open, key, slot('long'))
    await take(open, key, slot('short', { windowMs: 150 }))
    assert.equal((await take(open, key, slot('next'))).allowed, false)
    await pause(160)
    assert.deepEqual(told([await look(open, key, slot('next'))]), [[true, 1]])
    assert.deepEqual(told([await take(open, key, slot('next'))]), [[true, 2]])
    assert.equal((await take(open, key, slot('more'))).allowed, false)
  })

  it('goes on holding a slot that is renewed', async () => {
    const key = fresh()
    await take(open, key, slot('a', { limit: 1, windowMs: 150 }))
    await open().budgets.renew([{ key, lease: 'a', leaseMs: minuteMs }])
    within(await open().ttl(key), minuteMs)
    await pause(160)
    const { allowed, retryMs } = await take(open, key, slot('b', { limit: 1 }))
    assert.equal(allowed, false)
    within(retryMs, minuteMs)
  })

  it('holds a slot again that was lost before it was renewed', async () => {
    const key = fresh()
    await open().budgets.renew([{ key, lease: 'a', leaseMs: minuteMs }])
    assert.equal((await take(open, key, slot('b', { limit: 1 }))).allowed, false)
    assert.deepEqual(told([await take(open, key, slot('a', { limit: 1 }))]), [[true, 1]])
  })
}

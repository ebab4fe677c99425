import assert from 'node:assert/strict'
import type { Charge } from '../lib/ports/budgets.ts'
import { look, settle, take } from './charging.ts'
import { pause, within } from './expectations.ts'
import { fresh } from './names.ts'
import type { Suite } from './suite.ts'

const hourMs = 3_600_000

/** What budgets must do that come back evenly, on every provider. */
export function budgetLeakContract(suite: Suite): void {
  suite.describe('a budget that comes back evenly', () => {
    bursting(suite)
    draining(suite)
    givingBack(suite)
  })
}

function gcra(given: Partial<Charge>): Partial<Charge> {
  return { algorithm: 'gcra', ...given }
}

function bursting({ open, it }: Suite): void {
  it('lets as much pass at once as its burst, below or above the limit', async () => {
    for (const [limit, burst] of [
      [10, 1],
      [10, 3],
      [2, 5],
    ] as const) {
      const key = fresh()
      const rule = gcra({ limit, burst, windowMs: hourMs })
      assert.equal((await look(open, key, { ...rule, cost: 0 })).remaining, burst)
      const charges = Array.from({ length: burst + 4 }, () => take(open, key, rule))
      const passed = (await Promise.all(charges)).filter(({ allowed }) => allowed)
      assert.equal(passed.length, burst)
      const { remaining, used, retryMs } = await take(open, key, rule)
      assert.deepEqual([used, remaining], [burst, 0])
      within(retryMs, hourMs / limit)
    }
  })

  it('never allows a cost above the burst', async () => {
    const key = fresh()
    const rule = gcra({ limit: 10, burst: 3 })
    const refused = await take(open, key, { ...rule, cost: 4 })
    assert.deepEqual([refused.allowed, refused.retryMs], [false, Number.POSITIVE_INFINITY])
    assert.equal(await open().exists([key]), 0)
    assert.equal((await take(open, key, { ...rule, cost: 3 })).allowed, true)
  })

  it('lets pass whoever waits for as long as was told, at the pace of the limit', async () => {
    const key = fresh()
    const rule = gcra({ limit: 10, burst: 1, windowMs: 600 })
    const startedAt = performance.now()
    for (let passed = 0; passed < 4; passed += 1) {
      const { allowed, resetMs } = await take(open, key, rule)
      assert.equal(allowed, true, `the ${passed + 1}. one`)
      within(resetMs, 60)
      await pause(resetMs)
    }
    const leastMs = 4 * 60 - 10
    assert.ok(performance.now() - startedAt >= leastMs, `four in less than ${leastMs} ms`)
  })
}

function draining({ open, it }: Suite): void {
  it('drains by one in each part of its window', async () => {
    const key = fresh()
    const rule = gcra({ windowMs: 400 })
    const startedAt = performance.now()
    await take(open, key, { ...rule, cost: 10 })
    await pause(125)
    const { used, resetMs } = await look(open, key, { ...rule, cost: 0 })
    const drained = (performance.now() - startedAt) / 40
    assert.ok(used <= 7 && used >= Math.floor(10 - drained), `${used} after ${drained} parts`)
    assert.ok(resetMs <= 40)
  })

  it('keeps a rate of one a month', async () => {
    const key = fresh()
    const rule = gcra({ limit: 1, windowMs: 30 * 24 * hourMs })
    assert.equal((await take(open, key, rule)).allowed, true)
    const { allowed, retryMs } = await take(open, key, rule)
    assert.equal(allowed, false)
    within(retryMs, 30 * 24 * hourMs)
    within(await open().ttl(key), 30 * 24 * hourMs)
  })

  it('keeps a rate of a thousand millions in a second', async () => {
    const key = fresh()
    const rule = gcra({ limit: 1e9, windowMs: 1_000 })
    for (let at = 0; at < 5; at += 1) {
      const { allowed, used } = await take(open, key, rule)
      assert.ok(allowed && used <= 5)
    }
    const startedAt = performance.now()
    let passed = 0
    for (const cost of [1e9 - 5, 1e9, 1e9]) {
      const { allowed, retryMs } = await take(open, key, { ...rule, cost })
      passed += allowed ? cost : 0
      assert.ok(retryMs <= 1_000)
    }
    const most = 1e9 * (1 + (performance.now() - startedAt + 5) / 1_000)
    assert.ok(passed >= 1e9 - 5 && passed <= most, `${passed} of ${most}`)
  })
}

function givingBack({ open, it }: Suite): void {
  it('gives back of a charge only what has not come back by itself', async () => {
    const key = fresh()
    const rule = gcra({ windowMs: 1_000 })
    const startedAt = performance.now()
    const { mark } = await take(open, key, { ...rule, cost: 5 })
    await take(open, key, { ...rule, cost: 5 })
    await pause(250)
    const { used } = await settle(open, key, { ...rule, mark, charged: 5, cost: 0 })
    // What the second charge took is still there, but for what has drained since the first was over.
    const drained = Math.max(0, (performance.now() - startedAt) / 100 - 5)
    assert.ok(used <= 6 && used >= Math.floor(5 - drained), `${used} after ${drained} parts`)
  })
}

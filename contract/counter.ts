import assert from 'node:assert/strict'
import { within } from './expectations.ts'
import { fresh } from './names.ts'
import type { Suite } from './suite.ts'

const minuteMs = 60_000

/** What the counter of a fixed window must do, on every provider. */
export function counterContract({ open, it }: Suite): void {
  const bounds = { limit: 10, windowMs: minuteMs }

  it('adds up to the limit, and tells what a sum above it would have been', async () => {
    const key = fresh()
    const sums = []
    for (const by of [6, 5, 4]) sums.push((await open().budgets.count(key, by, bounds)).count)
    assert.deepEqual(sums, [6, 11, 10])
  })

  it('ends with the window of its first addition', async () => {
    const key = fresh()
    within((await open().budgets.count(key, 1, bounds)).ttlMs, minuteMs)
    const longer = { limit: 10, windowMs: 2 * minuteMs }
    within((await open().budgets.count(key, 1, longer)).ttlMs, minuteMs)
    within(await open().ttl(key), minuteMs)
  })

  it('is the same as a fixed budget of that key', async () => {
    const key = fresh()
    await open().budgets.count(key, 6, bounds)
    const charge = async (cost: number) => {
      const [budget] = await open().budgets.charge([{ key, algorithm: 'fixed', cost, ...bounds }])
      return [budget?.allowed, budget?.used]
    }
    assert.deepEqual(await charge(5), [false, 6])
    assert.deepEqual(await charge(4), [true, 10])
    assert.equal((await open().budgets.count(key, 1, bounds)).count, 11)
  })

  it('only looks when it adds 0', async () => {
    const key = fresh()
    assert.equal((await open().budgets.count(key, 0, bounds)).count, 0)
    assert.equal(await open().exists([key]), 0)
  })

  it('loses none of many at once', async () => {
    const key = fresh()
    const counts = await Promise.all(
      Array.from({ length: 50 }, () => open().budgets.count(key, 1, { ...bounds, limit: 40 })),
    )
    assert.equal(counts.filter(({ count }) => count <= 40).length, 40)
  })
}

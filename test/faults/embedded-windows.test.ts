import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { type Charge, embeddedProvider } from '../../lib/index.ts'

const windowMs = 2

/** When each charge that passed was made at the earliest, and at the latest. */
async function passed(charge: Charge, budgets = embeddedProvider().budgets) {
  const log: (readonly [begunAt: number, endedAt: number])[] = []
  const until = performance.now() + 400
  while (performance.now() < until) {
    const begunAt = performance.now()
    const [budget] = await budgets.charge([charge])
    if (budget?.allowed) log.push([begunAt, performance.now()])
  }
  return log
}

describe('a sliding budget in this process', () => {
  it('lets no more than the limit pass in any window, also by a clock finer than its own', async () => {
    const log = await passed({ key: 'key', algorithm: 'sliding', limit: 1, windowMs, cost: 1 })
    assert.ok(log.length > 10, `${log.length}`)
    for (const [at, [, endedAt]] of log.entries()) {
      const [lastAt = Number.NEGATIVE_INFINITY] = log[at - 1] ?? []
      assert.ok(endedAt - lastAt >= windowMs, `${endedAt - lastAt} ms`)
    }
  })
})

describe('a fixed budget in this process', () => {
  it('lets no more than the limit pass in a window', async () => {
    const log = await passed({ key: 'key', algorithm: 'fixed', limit: 1, windowMs, cost: 1 })
    assert.ok(log.length > 10, `${log.length}`)
    for (const [at, [, endedAt]] of log.entries()) {
      const [lastAt = Number.NEGATIVE_INFINITY] = log[at - 1] ?? []
      assert.ok(endedAt - lastAt >= windowMs, `${endedAt - lastAt} ms`)
    }
  })
})

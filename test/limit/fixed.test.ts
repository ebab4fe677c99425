import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'mocha'
import type { Store } from '../../lib/index.ts'
import { fixedWindow } from '../../lib/limit/fixed.ts'
import type { Budgets, Charge } from '../../lib/ports/budgets.ts'
import { bothProviders } from '../support/stores.ts'

const block = { key: 'limit:{user~ann}:rpm:block' }

function of(cost: number, more: Partial<Charge> = {}): Charge {
  const key = 'limit:{user~ann}:rpm:f60000'
  return { key, algorithm: 'fixed', limit: 100, windowMs: 60_000, cost, block, ...more }
}

for (const stores of bothProviders()) {
  describe(`fixed windows by rate-limiter-flexible over ${stores.name}`, () => {
    let store: Store
    let charge: Budgets['charge']
    before(() => stores.start())
    beforeEach(async () => {
      store = await stores.empty()
      charge = fixedWindow(store.budgets)
    })
    after(() => stores.stop())

    it('lets 60 and 40 of 100 pass, and does not charge the 60 refused between', async () => {
      const seen = []
      for (const cost of [60, 60, 40, 1]) {
        const [budget] = await charge([of(cost)])
        seen.push([budget?.allowed, budget?.used, budget?.remaining])
      }
      assert.deepEqual(seen, [
        [true, 60, 40],
        [false, 60, 40],
        [true, 100, 0],
        [false, 100, 0],
      ])
    })

    it('gives the budget of the charge: it can be settled', async () => {
      const [budget] = await charge([of(80)])
      assert.ok(budget && budget.mark > 0)
      const settled = { ...of(0), mark: budget.mark, charged: 80, cost: 20 }
      await store.budgets.settle([settled])
      assert.equal((await charge([of(0)]))[0]?.remaining, 80)
      await store.budgets.settle([{ ...settled, charged: 20, cost: 130 }])
      const [debt] = await charge([of(1)])
      assert.deepEqual([debt?.allowed, debt?.used, debt?.remaining], [false, 130, 0])
      assert.equal((await charge([of(0)]))[0]?.allowed, false)
    })

    it('a block refuses what there would be room for', async () => {
      await charge([of(10)])
      await store.budgets.block([block.key], 30_000)
      const [budget] = await charge([of(1)])
      assert.deepEqual([budget?.allowed, budget?.used], [false, 10])
      assert.ok(budget && budget.blockedMs > 29_000)
      assert.equal((await charge([of(0)]))[0]?.allowed, false)
    })

    it('charges 100 of 200 that come at once', async () => {
      const all = await Promise.all(Array.from({ length: 200 }, () => charge([of(1)])))
      assert.equal(all.filter(([budget]) => budget?.allowed).length, 100)
    })

    it('a cost of 0 passes where nothing is left, and takes nothing', async () => {
      await charge([of(100)])
      const [budget] = await charge([of(0)])
      assert.deepEqual([budget?.allowed, budget?.used], [true, 100])
    })

    it('several charges, and none, are the step of the store', async () => {
      assert.deepEqual(await charge([]), [])
      const other = { key: 'limit:{user~ann}:rph:f60000', limit: 10 }
      const [first, second] = await charge([of(20), of(20, other)])
      assert.deepEqual([first?.allowed, second?.allowed], [true, false])
      assert.equal((await charge([of(0)]))[0]?.used, 0)
    })
  })
}

describe('fixed windows by rate-limiter-flexible', () => {
  it('a store whose answer contradicts itself is one that fails', async () => {
    const wrong = { allowed: true, used: 101, remaining: 0, resetMs: 1000, retryMs: 0 }
    const answer = async () => [{ ...wrong, blockedMs: 0, mark: 1 }]
    await assert.rejects(fixedWindow({ charge: answer } as never)([of(1)]), {
      code: 'ERR_STORE',
      reason: 'corrupt',
    })
  })

  it('an error of the store stays what it is', async () => {
    const failing = async () => Promise.reject(new TypeError('no'))
    await assert.rejects(fixedWindow({ charge: failing } as never)([of(1)]), TypeError)
  })
})

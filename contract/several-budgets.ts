import assert from 'node:assert/strict'
import type { Charge } from '../lib/ports/budgets.ts'
import { chargeOf, take, told } from './charging.ts'
import { fresh } from './names.ts'
import type { Suite } from './suite.ts'

/** What several charges in one call must do, on every provider. */
export function severalBudgetsContract(suite: Suite): void {
  const { describe } = suite
  describe('several budgets', () => {
    several(suite)
    together(suite)
  })
  describe('a budget in the shadow', () => shadows(suite))
}

/** One charge of each algorithm; all have room. */
function oneOfEach(): Charge[] {
  return [
    chargeOf(fresh(), { limit: 3 }),
    chargeOf(fresh(), { limit: 100, cost: 60 }),
    chargeOf(fresh(), { algorithm: 'fixed', limit: 3 }),
    chargeOf(fresh(), { algorithm: 'gcra', limit: 3 }),
    chargeOf(fresh(), { algorithm: 'concurrency', limit: 3, lease: fresh() }),
  ]
}

function several({ open, it }: Suite): void {
  it('charges all, or none when one has no room', async () => {
    const charges = oneOfEach()
    const used = [1, 60, 1, 1, 1]
    const first = await open().budgets.charge(charges)
    assert.deepEqual(
      told(first),
      used.map((each) => [true, each]),
    )
    const second = await open().budgets.charge(
      charges.map((each) => ({ ...each, lease: each.lease && fresh() })),
    )
    assert.deepEqual(
      told(second),
      used.map((each) => [each !== 60, each]),
    )
    assert.deepEqual(
      second.map(({ retryMs, mark }) => [retryMs > 0, mark]),
      used.map((each) => [each === 60, 0]),
    )
  })

  it('keeps nothing of those that had room, whichever had none', async () => {
    for (const place of [0, 1, 2, 3, 4]) {
      const charges = oneOfEach()
      const refusing = chargeOf(fresh(), { algorithm: 'fixed', limit: 1, cost: 2 })
      charges.splice(place, 0, refusing)
      await open().budgets.charge(charges)
      const left = await open().budgets.peek(charges.map((each) => ({ ...each, cost: 0 })))
      assert.deepEqual(
        left.map(({ used }) => used),
        charges.map(() => 0),
      )
    }
  })

  it('has nothing to do for no charges', async () => {
    assert.deepEqual(await open().budgets.charge([]), [])
    assert.deepEqual(await open().budgets.peek([]), [])
    assert.deepEqual(await open().budgets.settle([]), [])
    await open().budgets.renew([])
    await open().budgets.block([], 1_000)
    await open().budgets.clear([])
  })
}

function together({ open, it }: Suite): void {
  it('counts two charges on one key together', async () => {
    for (const algorithm of ['sliding', 'fixed', 'gcra'] as const) {
      const of = (key: string, cost: number) => chargeOf(key, { algorithm, limit: 100, cost })
      const key = fresh()
      const budgets = await open().budgets.charge([of(key, 60), of(key, 40)])
      assert.deepEqual(
        budgets.map(({ allowed, used, remaining }) => [allowed, used, remaining]),
        [
          [true, 100, 0],
          [true, 100, 0],
        ],
      )
      const other = fresh()
      const refused = await open().budgets.charge([of(other, 51), of(other, 51)])
      assert.deepEqual(told(refused), [
        [false, 0],
        [false, 0],
      ])
      assert.equal(await open().exists([other]), 0)
    }
  })
}

function shadows({ open, it }: Suite): void {
  it('is charged like any other while it has room', async () => {
    const [watched, enforced] = [fresh(), fresh()]
    const charges = [chargeOf(watched, { shadow: true, limit: 2 }), chargeOf(enforced)]
    assert.deepEqual(told(await open().budgets.charge(charges)), [
      [true, 1],
      [true, 1],
    ])
  })

  it('tells that it has no room, takes nothing, and stops nobody', async () => {
    for (const algorithm of ['sliding', 'fixed', 'gcra'] as const) {
      const [watched, enforced] = [fresh(), fresh()]
      const shadow = chargeOf(watched, { algorithm, shadow: true, limit: 5, cost: 3 })
      await open().budgets.charge([shadow])
      const budgets = await open().budgets.charge([shadow, chargeOf(enforced)])
      assert.deepEqual(told(budgets), [
        [false, 3],
        [true, 1],
      ])
      assert.ok((budgets[0]?.retryMs ?? 0) > 0)
      assert.deepEqual(told([await take(open, watched, { ...shadow, cost: 2 })]), [[true, 5]])
    }
  })

  it('takes nothing where another refuses', async () => {
    const [watched, enforced] = [fresh(), fresh()]
    const charges = [
      chargeOf(watched, { shadow: true }),
      chargeOf(enforced, { algorithm: 'fixed', limit: 1, cost: 2 }),
    ]
    assert.deepEqual(told(await open().budgets.charge(charges)), [
      [true, 0],
      [false, 0],
    ])
  })
}

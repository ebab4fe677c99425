import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'mocha'
import { type Budget, type Charge, createStore, type Store } from '../../lib/index.ts'
import type { ClusterNode } from '../support/cluster-view.ts'
import { eventually } from '../support/eventually.ts'
import { type RedisTestCluster, startRedisCluster } from '../support/redis-cluster.ts'

const room = { limit: 30, windowMs: 600_000, cost: 3 } as const

describe('budgets on several slots of a Redis Cluster', function () {
  this.timeout(60_000)
  let cluster: RedisTestCluster
  let masters: readonly ClusterNode[]
  let store: Store
  /** Parts of keys, by the master that holds them. */
  let users: readonly string[]
  let round = 0
  before(async () => {
    cluster = await startRedisCluster({ replicas: 0 })
    masters = await cluster.masters()
    store = createStore({ cluster: cluster.urls, deadline: '1s' })
  })
  beforeEach(async () => {
    round += 1
    users = await Promise.all(masters.map((master) => userOn(master)))
  })
  after(async () => {
    await store.close()
    await cluster.stop()
  })

  async function userOn(master: ClusterNode): Promise<string> {
    for (let id = 0; ; id += 1)
      if ((await cluster.ownerOf(`{${round}-${id}}`)) === master) return `{${round}-${id}}`
  }

  /** One charge of each algorithm, on the first two masters. */
  function charges(): readonly Charge[] {
    const [first, second] = users
    return [
      { ...room, key: `limit:${first}:few`, algorithm: 'sliding', limit: 20 },
      { ...room, key: `limit:${second}:many`, algorithm: 'sliding', limit: 50 },
      { ...room, key: `limit:${first}:fixed`, algorithm: 'fixed' },
      { ...room, key: `limit:${second}:gcra`, algorithm: 'gcra' },
      { ...room, key: `limit:${first}:slots`, algorithm: 'concurrency', cost: 1, lease: 'a' },
    ]
  }

  /** On the third master. */
  function full(given: Partial<Charge> = {}): Charge {
    return { ...room, key: `limit:${users[2]}:full`, algorithm: 'fixed', limit: 1, ...given }
  }

  async function used(): Promise<readonly number[]> {
    const found = await store.budgets.peek(charges().map((each) => ({ ...each, cost: 0 })))
    return found.map((budget) => budget.used)
  }

  function told(budgets: readonly Budget[]): readonly unknown[] {
    return budgets.map(({ allowed, used, mark }) => [allowed, used, mark > 0])
  }

  it('are charged all, and settled, renewed, blocked and cleared all', async () => {
    const taken = await store.budgets.charge(charges())
    assert.deepEqual(
      told(taken),
      [3, 3, 3, 3, 1].map((each) => [true, each, true]),
    )
    const settled = await store.budgets.settle(
      charges().map((each, at) => {
        const cost = each.algorithm === 'concurrency' ? 0 : 5
        return { ...each, mark: taken[at]?.mark ?? 0, charged: each.cost, cost }
      }),
    )
    assert.deepEqual(
      settled.map((budget) => budget.used),
      [5, 5, 5, 5, 0],
    )
    await store.budgets.renew(
      users.map((user) => ({ key: `limit:${user}:slots`, lease: 'b', leaseMs: 1000 })),
    )
    assert.deepEqual(await used(), [5, 5, 5, 5, 1])
    const blocks = users.map((user) => `limit:${user}:block`)
    await store.budgets.block(blocks, 60_000)
    assert.equal(await store.exists(...blocks), 3)
    await store.budgets.clear([...blocks, ...charges().map(({ key }) => key)])
    assert.equal(await store.exists(...blocks), 0)
    assert.deepEqual(await used(), [0, 0, 0, 0, 0])
  })

  it('are as before where one of them has no room', async () => {
    for (let times = 0; times < 20; times += 1) {
      const budgets = await store.budgets.charge([...charges(), full()])
      assert.deepEqual(told(budgets), [...charges().map(() => [true, 0, false]), [false, 0, false]])
    }
    assert.deepEqual(await used(), [0, 0, 0, 0, 0])
    await store.budgets.charge(charges())
    await store.budgets.charge([...charges(), full()])
    assert.deepEqual(await used(), [3, 3, 3, 3, 1])
  })

  it('keep a slot that was held before the charge that is given back', async () => {
    const slots = charges().slice(4)
    await store.budgets.charge(slots)
    await store.budgets.charge([...slots, full()])
    assert.equal((await used())[4], 1)
  })

  it('are charged where one in the shadow has no room', async () => {
    const budgets = await store.budgets.charge([...charges(), full({ shadow: true })])
    assert.deepEqual(told(budgets).at(-1), [false, 0, false])
    assert.deepEqual(await used(), [3, 3, 3, 3, 1])
  })

  it('are as before where one of them is blocked', async () => {
    const block = { key: `limit:${users[2]}:block`, after: 1, forMs: 60_000 }
    await store.budgets.charge([...charges(), full({ block })])
    const budgets = await store.budgets.charge([...charges(), full({ block, cost: 1 })])
    assert.ok((budgets.at(-1)?.blockedMs ?? 0) > 0)
    assert.deepEqual(await used(), [0, 0, 0, 0, 0])
  })

  it('are told in a peek as they stand, and written nowhere', async () => {
    const found = await store.budgets.peek([...charges(), full()])
    assert.deepEqual(told(found), [...charges().map(() => [true, 0, false]), [false, 0, false]])
    assert.equal(await store.exists(...charges().map(({ key }) => key)), 0)
  })

  for (const [fault, strike, mend] of [
    ['frozen', (node: ClusterNode) => node.freeze(), (node: ClusterNode) => node.thaw()],
    ['killed', (node: ClusterNode) => node.kill(), (node: ClusterNode) => node.restart()],
  ] as const)
    it(`are given back where the master of one is ${fault}`, async () => {
      const [, , third] = masters
      assert.ok(third)
      await store.budgets.charge(charges())
      await strike(third)
      await assert.rejects(store.budgets.charge([...charges(), full({ limit: 30 })]), {
        name: 'StoreError',
      })
      await eventually('what was taken is given back', async () =>
        String(await used()) === '3,3,3,3,1' ? true : undefined,
      )
      await mend(third)
      await cluster.settled()
    })
})

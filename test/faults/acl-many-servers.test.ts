import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { after, before, describe, it } from 'mocha'
import { storeContract } from '../../contract/store-contract.ts'
import { createStore } from '../../lib/index.ts'
import type { Provider } from '../../lib/ports/provider.ts'
import { namespaced } from '../../lib/providers/namespaced.ts'
import { redisProvider } from '../../lib/providers/redis/provider.ts'
import {
  apply,
  called,
  introduce,
  refusals,
  rightsIn,
  rules,
  signIn,
} from '../deploying/acl-rules.ts'
import { eventually } from '../support/eventually.ts'
import { type RedisTestCluster, startRedisCluster } from '../support/redis-cluster.ts'
import { type RedisTestSentinel, startRedisSentinel } from '../support/redis-sentinel.ts'

describe('the user in docs/deploying.md on a Cluster', function () {
  this.timeout(60_000)
  const given = ['base', 'prefix', 'cluster', 'messages', 'scan', 'inside'] as const
  let cluster: RedisTestCluster
  let admins: Redis[]
  before(async () => {
    cluster = await startRedisCluster()
    admins = cluster.nodes.map((node) => node.client())
    const all = await rules(...given)
    for (const admin of admins) await introduce(admin, all)
  })
  after(() => cluster.stop())

  const create = () => {
    const nodes = cluster.nodes.map(({ host, port }) => `${host}:${port}`)
    return namespaced(redisProvider({ cluster: nodes, ...signIn }), 'app:')
  }
  storeContract({ name: 'a Redis Cluster as that user', create, describe, it })

  // Behind the contract: Mocha runs the groups of a group after its tests.
  describe('then', () => {
    let provider: Provider
    before(() => {
      provider = create()
    })
    after(() => provider.close())

    it('takes charges back, follows a slot that moves and a replica that takes over', async () => {
      await eventually('the Cluster is there', () =>
        provider.set('{moves}', Buffer.from('1'), 60_000).then(() => true),
      )
      await takeBack(provider)
      const from = await cluster.ownerOf('app:{moves}')
      const to = (await cluster.masters()).find((master) => master !== from)
      assert.ok(to)
      await cluster.reshard(await cluster.slotOf('app:{moves}'), to, {
        between: async () => assert.equal(String(await provider.get('{moves}')), '1'),
      })
      const [replica] = await cluster.replicas(to)
      assert.ok(replica)
      await cluster.promote(replica)
      await eventually('the driver knows', async () => {
        const stats = await Promise.all(admins.map(called))
        return stats.some((used) => used.includes('readwrite')) || undefined
      })
      assert.equal(String(await provider.get('{moves}')), '1')
    })

    it('was refused nothing', async () => {
      assert.deepEqual((await Promise.all(admins.map(refusals))).flat(), [])
    })

    it('has no right that is not used', async () => {
      const used = (await Promise.all(admins.map(called))).flat()
      const rights = rightsIn(await rules(...given))
      assert.deepEqual(
        rights.filter((right) => !used.includes(right)),
        [],
      )
    })
  })
})

describe('the user in docs/deploying.md on Sentinels', function () {
  this.timeout(60_000)
  let watched: RedisTestSentinel
  let sentinels: Redis[]
  before(async () => {
    watched = await startRedisSentinel()
    for (const server of watched.servers)
      await introduce(server.client(), await rules('base', 'prefix'))
    sentinels = watched.watchers.map((watcher) => watcher.client({ enableReadyCheck: false }))
    for (const sentinel of sentinels) await apply(sentinel, await rules('sentinel'))
  })
  after(() => watched.stop())

  /** What the Sentinels refuse while a store finds its master and is used. */
  async function refusedWhileUsed(): Promise<string[]> {
    for (const sentinel of sentinels) await sentinel.call('ACL', 'LOG', 'RESET')
    const nodes = watched.sentinels
    const store = createStore({
      sentinels: { nodes, name: watched.name, ...signIn },
      ...signIn,
      prefix: 'app:',
    })
    const used = () => store.set('key', 1).then(() => true)
    await eventually('it is used', used, { withinMs: 1000 }).catch(() => {}) // Something is refused.
    // It listens for a failover a moment after it has connected.
    await sleep(100)
    await store.close()
    return [...new Set((await Promise.all(sentinels.map(refusals))).flat())]
  }

  it('finds the master and listens for another', async () => {
    assert.deepEqual(await refusedWhileUsed(), [])
    const [master] = await Promise.all(
      watched.servers.map(async (server) => server.client().get('app:key')),
    )
    assert.equal(master, '1')
  })

  it('needs each of its rights', async () => {
    const given = await rules('sentinel')
    for (const right of rightsIn(given)) {
      for (const sentinel of sentinels)
        await sentinel.call('ACL', 'SETUSER', signIn.username, `-${right}`)
      assert.deepEqual(await refusedWhileUsed(), [`command ${right}`])
      for (const sentinel of sentinels)
        await sentinel.call('ACL', 'SETUSER', signIn.username, `+${right}`)
    }
    for (const sentinel of sentinels)
      await sentinel.call('ACL', 'SETUSER', signIn.username, 'resetchannels')
    assert.deepEqual(await refusedWhileUsed(), ['channel +switch-master'])
  })
})

/** Makes a charge on several slots fail on one, so that those on the others are taken back. */
async function takeBack(provider: Provider): Promise<void> {
  const windowMs = 60_000
  const few = { algorithm: 'sliding', limit: 1, windowMs, cost: 5 } as const
  for (const [kind, algorithm, limit] of [
    ['few', 'sliding', 20],
    ['many', 'sliding', 100],
    ['fixed', 'fixed', 20],
  ] as const) {
    const spent = { algorithm, limit, windowMs, cost: 5 }
    const budgets = await provider.budgets.charge([
      { key: `limit:{${kind}}`, ...spent },
      { key: `limit:{other-${kind}-${algorithm}}`, ...few },
    ])
    assert.deepEqual([budgets[0]?.used, budgets[1]?.allowed], [0, false], kind)
  }
}

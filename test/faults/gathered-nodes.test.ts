import assert from 'node:assert/strict'
import { Cluster } from 'ioredis'
import { Cluster as Cluster5 } from 'ioredis5'
import { Cluster as ValkeyCluster } from 'iovalkey'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { createStore, type RedisClient, type Store, type StoreOptions } from '../../lib/index.ts'
import { eventually } from '../support/eventually.ts'
import type { TestServer } from '../support/redis.ts'
import { type RedisTestCluster, startRedisCluster } from '../support/redis-cluster.ts'
import { type RedisTestSentinel, startRedisSentinel } from '../support/redis-sentinel.ts'
import { countWrites, type SocketWrites } from '../support/socket-writes.ts'
import { valueOrCode } from '../support/value-or-code.ts'

type AnyClient = RedisClient & { disconnect(): void }

let cluster: RedisTestCluster
let sentinel: RedisTestSentinel
before(async function () {
  this.timeout(60_000)
  cluster = await startRedisCluster()
  sentinel = await startRedisSentinel()
})
after(() => Promise.all([cluster.stop(), sentinel.stop()]))

interface Way {
  readonly masters: () => Promise<readonly TestServer[]>
  readonly options: () => StoreOptions & { readonly client?: AnyClient }
}

const masters = () => cluster.masters()
const startup = () => cluster.nodes.map(({ host, port }) => ({ host, port }))
const ways: Readonly<Record<string, Way>> = {
  'its own client of a Cluster': { masters, options: () => ({ cluster: cluster.urls }) },
  'a Cluster client of ioredis 6': {
    masters,
    options: () => ({ client: new Cluster(startup()) }),
  },
  'a Cluster client of ioredis 5': {
    masters,
    options: () => ({ client: new Cluster5(startup()) }),
  },
  'a Cluster client of iovalkey': {
    masters,
    options: () => ({ client: new ValkeyCluster(startup()) }),
  },
  'its own client behind Sentinels': {
    masters: async () => [await sentinel.master()],
    options: () => ({ sentinels: { nodes: sentinel.sentinels, name: sentinel.name } }),
  },
}

const keys = Array.from({ length: 60 }, (_, at) => `key ${at}`)

for (const [name, { masters, options }] of Object.entries(ways)) {
  describe(`a store over ${name}`, function () {
    this.timeout(20_000)
    let servers: readonly TestServer[]
    let store: Store
    let client: AnyClient | undefined
    let writes: SocketWrites
    beforeEach(async () => {
      servers = await masters()
      const way = options()
      client = way.client
      store = createStore({ ...way, deadline: '1s', prefix: `${name.replaceAll(' ', '-')}:` })
      await eventually('a value', () => store.set('key', 'value').then(() => true))
      // A node of a Cluster is connected to by the first command for it.
      await Promise.all(keys.map((key) => store.set(key, `value of ${key}`)))
      writes = countWrites(...servers.map(({ port }) => port))
    })
    afterEach(async () => {
      writes.stop()
      await store.close()
      client?.disconnect()
    })

    it('sends what is asked of one server in one turn in one write', async () => {
      await Promise.all(Array.from({ length: 20 }, () => store.get('key')))
      assert.equal(writes.count, 1)
    })

    it('sends what is asked of several servers in one write to each', async () => {
      const found = await store.mget(keys)
      assert.deepEqual(
        found,
        keys.map((key) => `value of ${key}`),
      )
      assert.equal(writes.count, servers.length)
    })

    it('gives everybody an own reply or an error, however often connections are lost', async () => {
      const admins = servers.map((server) => server.client())
      const found = (key: string) => valueOrCode(store, key)
      for (let times = 0; times < 5; times += 1) {
        const before = keys.map(found)
        const kills = admins.map((admin) =>
          admin.call('CLIENT', 'KILL', 'SKIPME', 'yes', 'TYPE', 'normal'),
        )
        const during = keys.map(found)
        await Promise.all(kills)
        for (const [at, found] of (await Promise.all([...before, ...during])).entries())
          assert.ok([`value of ${keys[at % keys.length]}`, 'ERR_STORE'].includes(found), found)
      }
      for (const key of keys) {
        const value = await eventually(key, () => store.get(key))
        assert.equal(value, `value of ${key}`)
      }
    })
  })
}

import assert from 'node:assert/strict'
import { Cluster, Redis } from 'ioredis'
import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis5'
import { Redis as Valkey, Cluster as ValkeyCluster } from 'iovalkey'
import { after, before, describe, it } from 'mocha'
import { storeContract } from '../../contract/store-contract.ts'
import { createStore, type RedisClient } from '../../lib/index.ts'
import { redisProvider } from '../../lib/providers/redis/provider.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { type RedisTestCluster, startRedisCluster } from '../support/redis-cluster.ts'

let server: TestServer
let cluster: RedisTestCluster
const open = new Set<{ disconnect(): void }>()
before(async function () {
  this.timeout(60_000)
  server = await startRedis()
  cluster = await startRedisCluster()
})
after(async () => {
  for (const client of open) client.disconnect()
  await Promise.all([server.stop(), cluster.stop()])
})

/** Options that a client handed in should have; what else it has is its owner's business. */
const timely = { socketTimeout: 2000 }
const nodes = () => cluster.nodes.map(({ host, port }) => ({ host, port }))

/** Clients as users have them. */
const clients: Readonly<Record<string, () => RedisClient & { disconnect(): void }>> = {
  'ioredis 6': () => new Redis(server.url, timely),
  'ioredis 6 in RESP3': () => new Redis(server.url, { ...timely, protocol: 3 }),
  'ioredis 6 with pipelines of its own': () =>
    new Redis(server.url, { ...timely, enableAutoPipelining: true }),
  'ioredis 6 with a key prefix': () => new Redis(server.url, { ...timely, keyPrefix: 'mine*:' }),
  'ioredis 5': () => new Redis5(server.url, timely),
  iovalkey: () => new Valkey(server.url, timely),
  'a Cluster of ioredis 6': () => new Cluster(nodes(), { redisOptions: timely }),
  'a Cluster of ioredis 6 with a key prefix': () =>
    new Cluster(nodes(), { redisOptions: timely, keyPrefix: 'mine:' }),
  'a Cluster of ioredis 5': () => new Cluster5(nodes(), { redisOptions: timely }),
  'a Cluster of iovalkey': () => new ValkeyCluster(nodes(), { redisOptions: timely }),
}

/** Those that differ most from the client that a store makes for itself. */
const proven = [
  'ioredis 6 in RESP3',
  'ioredis 5',
  'iovalkey',
  'a Cluster of ioredis 6 with a key prefix',
  'a Cluster of iovalkey',
]

for (const name of proven) {
  const create = () => {
    const client = clients[name]?.()
    assert.ok(client)
    open.add(client)
    return redisProvider({ client })
  }
  storeContract({ name: `over a client of ${name}`, create, describe, it })
}

describe('a client of another make', () => {
  for (const [name, make] of Object.entries(clients)) {
    it(`may be of ${name}, and stays open`, async () => {
      const client = make()
      open.add(client)
      const store = createStore({ client, deadline: '1s', prefix: 'made:' })
      await store.set('greeting', { text: 'hello' }, { ttl: '1m' })
      assert.deepEqual(await store.get('greeting'), { text: 'hello' })
      await store.close()
      assert.equal(await client.call('SET', 'still-open', '1'), 'OK')
    })
  }
})

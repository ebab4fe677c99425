import { after, before, describe, it } from 'mocha'
import { storeContract } from '../contract/store-contract.ts'
import type { Provider } from '../lib/ports/provider.ts'
import { embeddedProvider } from '../lib/providers/embedded/provider.ts'
import { guarded } from '../lib/providers/guarded.ts'
import { namespaced } from '../lib/providers/namespaced.ts'
import { redisProvider } from '../lib/providers/redis/provider.ts'
import { startRedis, type TestServer } from './support/redis.ts'
import { type RedisTestCluster, startRedisCluster } from './support/redis-cluster.ts'
import { type RedisTestSentinel, startRedisSentinel } from './support/redis-sentinel.ts'

let server: TestServer
let cluster: RedisTestCluster
let sentinel: RedisTestSentinel
before(async function () {
  this.timeout(60_000)
  server = await startRedis()
  cluster = await startRedisCluster()
  sentinel = await startRedisSentinel()
})
after(() => Promise.all([server, cluster, sentinel].map((each) => each.stop())))

const redis = () => redisProvider({ url: server.url })
const providers: Readonly<Record<string, () => Provider>> = {
  embedded: () => embeddedProvider(),
  redis,
  'redis behind namespaced': () => namespaced(redis(), 'app*[1]:'),
  'a Redis Cluster': () => redisProvider({ cluster: cluster.urls }),
  'Redis behind Sentinels': () =>
    redisProvider({ sentinels: { nodes: sentinel.sentinels, name: sentinel.name } }),
  'redis behind guarded': () => guarded(redis(), { deadlineMs: 1000 }),
}

for (const [name, create] of Object.entries(providers))
  storeContract({ name, create, describe, it })

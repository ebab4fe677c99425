import { createStore, type Store, type StoreOptions } from '../../lib/index.ts'
import { startRedis } from './redis.ts'
import { startRedisCluster } from './redis-cluster.ts'
import { startRedisSentinel } from './redis-sentinel.ts'
import { shared } from './shared.ts'

/** A provider to run the same tests on. */
export interface TestStores {
  readonly name: string
  /** Called before the tests of a block. */
  start(): Promise<void>
  /** A store with nothing in it. */
  empty(): Promise<Store>
  /** Called after them. */
  stop(): Promise<void>
}

const server = shared(startRedis)
const cluster = shared(startRedisCluster)
const sentinel = shared(startRedisSentinel)

/** Embedded, and Redis on one server of the tests' own. */
export function bothProviders(): readonly TestStores[] {
  return [
    stores('embedded', async () => ({ provider: 'embedded' })),
    stores('redis', async () => ({ url: (await server()).url })),
  ]
}

/** Both providers, and Redis as a Cluster and behind Sentinels. */
export function testStores(): readonly TestStores[] {
  return [
    ...bothProviders(),
    stores('Redis Cluster', async () => ({ cluster: (await cluster()).urls })),
    stores('Redis behind Sentinels', async () => {
      const { name, sentinels } = await sentinel()
      return { sentinels: { nodes: sentinels, name } }
    }),
  ]
}

let count = 0

function stores(name: string, find: () => Promise<StoreOptions>): TestStores {
  const open: Store[] = []
  let options: StoreOptions = {}
  return {
    name,
    async start() {
      options = await find()
    },
    async empty() {
      count += 1
      const apart = name === 'embedded' ? {} : { prefix: `test-${count}:`, deadline: '1s' }
      const store = createStore({ ...options, ...apart })
      open.push(store)
      return store
    },
    async stop() {
      await Promise.all(open.splice(0).map((store) => store.close()))
    },
  }
}

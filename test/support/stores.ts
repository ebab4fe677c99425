import { createStore, type Store } from '../../lib/index.ts'
import { startRedis, type TestServer } from './redis.ts'

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

/** Embedded, and Redis on a server of the tests' own. */
export function testStores(): readonly TestStores[] {
  return [embedded(), redis()]
}

function embedded(): TestStores {
  const open: Store[] = []
  return {
    name: 'embedded',
    start: async () => {},
    empty: async () => {
      const store = createStore({ provider: 'embedded' })
      open.push(store)
      return store
    },
    stop: async () => {
      await Promise.all(open.map((store) => store.close()))
    },
  }
}

function redis(): TestStores {
  let server: TestServer
  let count = 0
  const open: Store[] = []
  return {
    name: 'redis',
    start: async () => {
      server = await startRedis()
    },
    empty: async () => {
      count += 1
      const store = createStore({ url: server.url, prefix: `test-${count}:`, deadline: '1s' })
      open.push(store)
      return store
    },
    stop: async () => {
      await Promise.all(open.map((store) => store.close()))
      await server.stop()
    },
  }
}

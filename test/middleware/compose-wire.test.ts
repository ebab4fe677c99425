import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import { type CountingProxy, startCountingProxy } from '../support/counting-proxy.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { countWrites, type SocketWrites } from '../support/socket-writes.ts'
import { type How, type Mounted, type Native, type Site, sites } from './composed.ts'

interface Cost {
  readonly commands: readonly string[]
  readonly roundTrips: number
  readonly writes: number
}

const wide = { limit: 100, window: '1h', key: 'global' } as const
const user = (native: Native) => native.get('x-user') || undefined
const ann = { headers: { 'x-user': 'ann' } }
// From the store, and made for this process alone.
const plain = { ttl: 60, coalesce: 'process', l1: false } as const
const limited: Mounted[] = [{ limit: wide }, { cache: plain }]
const nothing: Cost = { commands: [], roundTrips: 0, writes: 0 }
const together: Cost = { commands: ['EVALSHA', 'HMGET', 'MGET'], roundTrips: 1, writes: 1 }
const apart: Cost = { commands: ['EVALSHA', 'HMGET', 'MGET'], roundTrips: 2, writes: 2 }

const hits: readonly [says: string, how: How, mounted: readonly Mounted[], cost: Cost][] = [
  ['limit and cache', 'composed', limited, together],
  ['limit and cache', 'apart', limited, apart],
  ['memory, limit and cache', 'composed', [{ memory: {} }, ...limited], together],
  ['memory, limit and cache', 'apart', [{ memory: {} }, ...limited], apart],
  [
    'limit, memory and cache',
    'composed',
    [{ limit: wide }, { memory: {} }, { cache: plain }],
    together,
  ],
  [
    'three rules and a cache',
    'composed',
    [
      {
        limit: {
          limits: [
            { name: 'second', limit: 1000, window: '1s', key: 'global' },
            { name: 'minute', limit: 1000, window: '1m', key: 'global' },
            { name: 'day', limit: 1000, window: '1d', key: 'global' },
          ],
        },
      },
      { cache: plain },
    ],
    together,
  ],
  [
    'a fixed window and a cache',
    'composed',
    [{ limit: { limits: [{ ...wide, name: 'hourly', algorithm: 'fixed' }] } }, { cache: plain }],
    together,
  ],
  [
    'a user whom all ask for',
    'composed',
    [
      { memory: { user } },
      { limit: { limit: 100, user } },
      { cache: { scope: 'user', user, ...plain } },
    ],
    together,
  ],
  [
    'a cache with a function of its own',
    'composed',
    [{ limit: wide }, { cache: { ...plain, when: () => true } }],
    apart,
  ],
  [
    'a cache before a limit',
    'composed',
    [...limited].reverse(),
    {
      commands: ['HMGET', 'MGET'],
      roundTrips: 1,
      writes: 1,
    },
  ],
]

for (const framework of ['express', 'koa'] as const) {
  describe(`compose() on ${framework} on the wire to Redis`, function () {
    this.timeout(15_000)
    let server: TestServer
    let proxy: CountingProxy
    let store: Store
    let site: Site
    let writes: SocketWrites

    before(async () => {
      server = await startRedis()
    })
    after(() => server.stop())
    beforeEach(async () => {
      await server.client().flushall()
      proxy = await startCountingProxy(server)
      store = createStore({ url: proxy.url, deadline: '1s' })
      writes = countWrites(proxy.port)
    })
    afterEach(async () => {
      writes.stop()
      await site.close()
      await store.close()
      await proxy.close()
    })

    const serve = async (how: How, mounted: readonly Mounted[]) => {
      site = await sites[framework]({ how, store, mounted })
    }

    /** What an answer, and what follows it, cost. */
    async function costOf(path: string, commands: number): Promise<Cost & { status: number }> {
      proxy.reset()
      writes.reset()
      const { status } = await site.ask({ path, ...ann })
      await eventually('all commands', async () => proxy.commands.length >= commands || undefined)
      const found = { roundTrips: proxy.roundTrips, writes: writes.count }
      return { ...found, commands: [...proxy.commands], status }
    }

    async function kept(answers: number): Promise<void> {
      await eventually('answers in the cache', async () => {
        const keys = await store.keys('cache:*')
        return keys.length === answers || undefined
      })
    }

    /** To purges and ends of fills: asked for by the first request, and sent some time after it. */
    async function listening(): Promise<void> {
      await eventually('two subscriptions', async () => {
        const sent = proxy.commands.filter((name) => name === 'SUBSCRIBE')
        return sent.length === 2 || undefined
      })
    }

    for (const [says, how, mounted, cost] of hits)
      it(`answers from the cache behind ${says}, ${how}`, async () => {
        await serve(how, mounted)
        await site.ask({ path: '/first', ...ann })
        await site.ask(ann)
        await kept(2)
        await site.ask(ann)
        assert.deepEqual(await costOf('/a', cost.commands.length), { ...cost, status: 200 })
      })

    it('keeps what it misses after the answer', async () => {
      await serve('composed', limited)
      await site.ask({ path: '/first', ...ann })
      await kept(1)
      await listening()
      const commands = ['EVALSHA', 'HMGET', 'MGET', 'TIME', 'EVALSHA']
      const cost = { commands, roundTrips: 3, writes: 3 }
      assert.deepEqual(await costOf('/a', commands.length), { ...cost, status: 200 })
    })

    it('looks nothing up for a request that is known to be refused', async () => {
      await serve('composed', [{ limit: { ...wide, limit: 2 } }, { cache: plain }])
      await site.ask({ path: '/first', ...ann })
      await site.ask({ path: '/second', ...ann })
      await kept(2)
      assert.deepEqual(await costOf('/first', 3), { ...together, status: 429 })
      assert.deepEqual(await costOf('/first', 0), { ...nothing, status: 429 })
    })
  })
}

import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'mocha'
import { type CachedOptions, cached, createStore, type Store } from '../../lib/index.ts'
import { eventually } from '../support/eventually.ts'
import { latch } from '../support/latch.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

let names = 0

describe('cached functions of two processes', () => {
  let server: TestServer
  const open: Store[] = []
  before(async () => {
    server = await startRedis()
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map((store) => store.close()))
  })
  after(() => server.stop())

  type Run = (process: number) => Promise<unknown>

  /** One function in two processes, as it were: each has a store of its own. */
  function two(
    run: Run,
    options: Partial<CachedOptions<[]>> = {},
  ): readonly [one: Process, other: Process] {
    names += 1
    const name = `f${names}`
    const start = (number: number): Process => {
      const store = createStore({ url: server.url, deadline: '1s' })
      open.push(store)
      const claims: string[] = []
      const { claim } = store.fills
      Object.assign(store.fills, {
        claim: async (...args: Parameters<typeof claim>) => {
          const claimed = await claim(...args)
          claims.push(claimed.kind)
          return claimed
        },
      })
      const fn = cached(() => run(number), { ttl: '1m', ...options, name, store })
      return { fn, store, claims }
    }
    return [start(1), start(2)]
  }

  interface Process {
    readonly store: Store
    readonly claims: readonly string[]
    readonly fn: ReturnType<typeof cached<[], unknown>>
  }

  const claimed = ({ claims }: Process, kind: string) =>
    eventually(`a claim is ${kind}`, async () => claims.includes(kind) || undefined)

  const said = async (call: ReturnType<Process['fn']['withStatus']>) => {
    const { value, status } = await call
    return [value, status]
  }

  it('run once for both', async () => {
    const gate = latch()
    const runs: number[] = []
    const [one, other] = two(async (process) => {
      runs.push(process)
      await gate.opened
      return { of: process }
    })
    const first = one.fn.withStatus()
    await claimed(one, 'leading')
    const second = other.fn.withStatus()
    const third = other.fn.withStatus()
    await claimed(other, 'held')
    gate.open()
    assert.deepEqual(await said(first), [{ of: 1 }, 'miss'])
    assert.deepEqual(await said(second), [{ of: 1 }, 'collapsed'])
    assert.deepEqual(await said(third), [{ of: 1 }, 'collapsed'])
    assert.deepEqual(await said(other.fn.withStatus()), [{ of: 1 }, 'hit'])
    assert.deepEqual(runs, [1])
  })

  it('run in each where only a process shares', async () => {
    const gate = latch()
    let runs = 0
    const [one, other] = two(
      async () => {
        runs += 1
        await gate.opened
        return 1
      },
      { coalesce: 'process' },
    )
    const calls = [one, one, other].map(({ fn }) => fn.withStatus())
    await eventually('both run', async () => (runs === 2 ? true : undefined))
    gate.open()
    const statuses = (await Promise.all(calls)).map(({ status }) => status)
    assert.deepEqual(statuses, ['miss', 'collapsed', 'miss'])
    assert.deepEqual([one.claims, other.claims], [[], []])
  })

  it('run for those who wait where the first fails', async () => {
    const gate = latch()
    const [one, other] = two(async (process) => {
      await gate.opened
      if (process === 1) throw new Error('no luck')
      return process
    })
    const first = one.fn.withStatus()
    await claimed(one, 'leading')
    const second = other.fn.withStatus()
    await claimed(other, 'held')
    gate.open()
    await assert.rejects(first, /no luck/)
    assert.deepEqual(await said(second), [2, 'miss'])
    assert.deepEqual(other.claims, ['held', 'leading'])
    await eventually('it is kept', async () =>
      (await one.fn.withStatus()).status === 'hit' ? true : undefined,
    )
  })

  it('run for each where the result of the first cannot be kept', async () => {
    const gate = latch()
    const [one, other] = two(async (process) => {
      await gate.opened
      return process === 1 ? undefined : process
    })
    const first = one.fn.withStatus()
    await claimed(one, 'leading')
    const second = other.fn.withStatus()
    await claimed(other, 'held')
    gate.open()
    assert.deepEqual(await said(first), [undefined, 'miss'])
    assert.deepEqual(await said(second), [2, 'miss'])
    const third = await other.fn.withStatus()
    assert.deepEqual([third.value, other.claims.at(-1)], [2, 'alone'])
  })

  it('do not give what was purged while the first made it', async () => {
    const gate = latch()
    const [one, other] = two(
      async (process) => {
        await gate.opened
        return process
      },
      { tags: ['docs'] },
    )
    const first = one.fn.withStatus()
    await claimed(one, 'leading')
    await other.store.purge({ tags: ['docs'] })
    const second = other.fn.withStatus()
    await claimed(other, 'held')
    gate.open()
    assert.deepEqual(await said(first), [1, 'miss'])
    assert.deepEqual(await said(second), [2, 'miss'])
  })

  it('see what the other purges or forgets, also what they have at hand', async () => {
    let runs = 0
    const [one, other] = two(async () => ++runs, { tags: ['docs'] })
    for (const forget of [
      () => one.store.purge({ tags: ['docs'] }),
      () => one.store.purge({ tags: ['docs'], soft: true }),
      () => one.fn.delete(),
    ]) {
      await one.fn()
      for (const { fn, store } of [one, other]) {
        const { find } = store.entries
        let asked = 0
        Object.assign(store.entries, {
          find: (...args: Parameters<typeof find>) => {
            asked += 1
            return find(...args)
          },
        })
        await eventually('it is at hand', async () => {
          asked = 0
          const { status } = await fn.withStatus()
          return (status === 'hit' && asked === 0) || undefined
        })
        Object.assign(store.entries, { find })
      }
      const before = runs
      await forget()
      await eventually('the other has heard', async () => {
        const { value } = await other.fn.withStatus()
        return value === before + 1 || undefined
      })
    }
  })

  it('renew a stale result once for both', async () => {
    const gate = latch()
    let runs = 0
    const [one, other] = two(
      async () => {
        runs += 1
        if (runs > 1) await gate.opened
        return runs
      },
      { ttl: '50ms', staleWhileRevalidate: '1m' },
    )
    await one.fn()
    await eventually('it is stale for both', async () => {
      const statuses = [await one.fn.withStatus(), await other.fn.withStatus()]
      return statuses.every(({ status }) => status === 'stale') || undefined
    })
    await eventually(
      'one lets the other',
      async () => [...one.claims, ...other.claims].includes('held') || undefined,
    )
    assert.equal(runs, 2)
    gate.open()
  })

  it('run for themselves where the store is lost while they wait', async () => {
    const own = await startRedis()
    const gate = latch()
    const stores = [0, 1].map(() => createStore({ url: own.url }))
    try {
      const [one, other] = stores.map((store, at) =>
        cached(
          async () => {
            if (at === 0) await gate.opened
            return at
          },
          { ttl: '1m', name: 'lost', store },
        ),
      )
      assert.ok(one && other)
      const first = one.withStatus()
      await eventually('the first leads', async () => {
        const keys = await stores[0]?.keys('cache:*')
        return keys?.find((key) => key.includes(':fill:'))
      })
      const second = other.withStatus()
      await own.kill()
      assert.deepEqual((await second).value, 1)
      gate.open()
      assert.deepEqual((await first).value, 0)
    } finally {
      await Promise.all(stores.map((store) => store.close()))
      await own.stop()
    }
  })
})

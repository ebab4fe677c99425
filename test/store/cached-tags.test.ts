import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { cached, type ErrorEvent, type Store } from '../../lib/index.ts'
import { eventually } from '../support/eventually.ts'
import { latch } from '../support/latch.ts'
import { bothProviders } from '../support/stores.ts'

const errors: ErrorEvent[] = []
const note = (event: unknown) => void errors.push(event as ErrorEvent)

for (const stores of bothProviders()) {
  describe(`cached over ${stores.name}: tags and stale results`, () => {
    let store: Store
    let runs = 0
    before(() => stores.start())
    beforeEach(async () => {
      store = await stores.empty()
      runs = 0
      errors.length = 0
      subscribe('memoryware:error', note)
    })
    afterEach(() => unsubscribe('memoryware:error', note))
    after(() => stores.stop())

    const run = async (id: string) => ({ id, run: ++runs })
    // Connections of other tests in this process may end meanwhile.
    const during = () => errors.map((event) => event.during).filter((each) => each !== 'connection')

    async function statusOf<Args extends unknown[]>(
      fn: { withStatus(...args: Args): Promise<{ status: string; value: unknown }> },
      ...args: Args
    ): Promise<readonly [string, unknown]> {
      const { status, value } = await fn.withStatus(...args)
      return [status, value]
    }

    async function kept(
      fn: ((id: string) => Promise<unknown>) & Parameters<typeof statusOf<[string]>>[0],
      id: string,
    ): Promise<void> {
      await fn(id)
      await eventually('it is kept', async () => {
        const [status] = await statusOf(fn, id)
        return ['hit', 'stale'].includes(status) || undefined
      })
    }

    it('purges all results by their tags', async () => {
      const fn = cached(run, { ttl: '1m', store, name: 'all', tags: ['docs', 7] })
      await kept(fn, 'a')
      assert.equal((await statusOf(fn, 'a'))[0], 'hit')
      await store.purge({ tags: ['other'] })
      assert.equal((await statusOf(fn, 'a'))[0], 'hit')
      await store.purge({ tags: ['7'] })
      assert.deepEqual(await statusOf(fn, 'a'), ['miss', { id: 'a', run: 2 }])
    })

    it('purges each result by tags of its own', async () => {
      const fn = cached(run, {
        ...{ ttl: '1m', store, name: 'each' },
        tags: (value, id) => [`doc-${id}`, `run-${value.run}`],
      })
      await kept(fn, 'a')
      await kept(fn, 'b')
      await store.purge({ tags: ['doc-b'] })
      assert.equal((await statusOf(fn, 'a'))[0], 'hit')
      assert.deepEqual(await statusOf(fn, 'b'), ['miss', { id: 'b', run: 3 }])
      await store.purge({ tags: ['run-1'] })
      assert.deepEqual(await statusOf(fn, 'a'), ['miss', { id: 'a', run: 4 }])
    })

    it('keeps no result whose tags cannot be told, and says so', async () => {
      for (const tags of [() => ['', 'a'], () => 'a' as never, () => assert.fail('no tags')]) {
        const fn = cached(run, { ttl: '1m', store, name: 'untold', tags })
        runs = 0
        assert.deepEqual(await fn('a'), { id: 'a', run: 1 })
        assert.deepEqual(await fn('a'), { id: 'a', run: 2 })
      }
      assert.deepEqual(new Set(during()), new Set(['cached tags']))
    })

    it('keeps nothing that was purged while it was made, nor gives it to who asks later', async () => {
      const gate = latch()
      const slow = async () => {
        runs += 1
        const mine = runs
        if (mine === 1) await gate.opened
        return { run: mine }
      }
      const fn = cached(slow, { ttl: '1m', store, name: 'slow', tags: ['slow'] })
      const first = fn.withStatus()
      await eventually('it runs', async () => runs || undefined)
      await store.purge({ tags: ['slow'] })
      const second = fn.withStatus()
      await sleep(20)
      gate.open()
      assert.deepEqual((await first).value, { run: 1 })
      assert.deepEqual((await second).value, { run: 2 })
      assert.deepEqual((await fn.withStatus()).value, { run: 2 })
    })

    it('keeps nothing that was forgotten while it was made', async () => {
      const gate = latch()
      const slow = async () => {
        runs += 1
        if (runs === 1) await gate.opened
        return runs
      }
      const fn = cached(slow, { ttl: '1m', store, name: 'slow' })
      const first = fn()
      await eventually('it runs', async () => runs || undefined)
      await fn.delete()
      gate.open()
      await first
      await sleep(20)
      assert.deepEqual(await statusOf(fn), ['miss', 2])
    })

    it('gives nothing that was forgotten while it was made to who asks later', async () => {
      const gate = latch()
      const slow = async () => {
        runs += 1
        if (runs === 1) await gate.opened
        return runs
      }
      const fn = cached(slow, { ttl: '1m', store, name: 'slow' })
      const first = fn()
      await eventually('it runs', async () => runs || undefined)
      await fn.delete()
      const second = fn()
      gate.open()
      assert.deepEqual([await first, await second], [1, 2])
    })

    it('gives a stale result at once, and runs the function once behind it', async () => {
      const gate = latch()
      const renewed = async (id: string) => {
        const made = await run(id)
        if (made.run > 1) await gate.opened
        return made
      }
      const fn = cached(renewed, {
        ...{ ttl: '80ms', store, name: 'swr', staleWhileRevalidate: '1m' },
      })
      await kept(fn, 'a')
      await eventually('it is stale', async () =>
        (await statusOf(fn, 'a'))[0] === 'stale' ? true : undefined,
      )
      const calls = await Promise.all([statusOf(fn, 'a'), statusOf(fn, 'a'), statusOf(fn, 'a')])
      for (const call of calls) assert.deepEqual(call, ['stale', { id: 'a', run: 1 }])
      await eventually('it runs again', async () => (runs === 2 ? true : undefined))
      const { age, status } = await fn.withStatus('a')
      assert.ok(status === 'stale' && age >= 0.08 && age < 60)
      gate.open()
      await eventually('it is new', async () => {
        const [, value] = await statusOf(fn, 'a')
        return (value as { run: number }).run > 1 || undefined
      })
    })

    it('gives what is softly purged as stale, and makes it anew', async () => {
      const fn = cached(run, {
        ...{ ttl: '1m', store, name: 'soft', staleWhileRevalidate: '1m', tags: ['soft'] },
      })
      await kept(fn, 'a')
      await store.purge({ tags: ['soft'], soft: true })
      assert.deepEqual(await statusOf(fn, 'a'), ['stale', { id: 'a', run: 1 }])
      await eventually('it is new', async () => {
        const [status, value] = await statusOf(fn, 'a')
        return (status === 'hit' && (value as { run: number }).run === 2) || undefined
      })
      await store.purge({ tags: ['soft'] })
      assert.deepEqual(await statusOf(fn, 'a'), ['miss', { id: 'a', run: 3 }])
    })

    it('makes what is softly purged anew where nothing may be stale', async () => {
      const fn = cached(run, { ttl: '1m', store, name: 'hard', tags: ['hard'] })
      await kept(fn, 'a')
      await store.purge({ tags: ['hard'], soft: true })
      assert.deepEqual(await statusOf(fn, 'a'), ['miss', { id: 'a', run: 2 }])
    })

    it('gives a stale result where the function fails, for so long', async () => {
      let fails = false
      const failing = async (id: string) => {
        if (fails) throw new Error('no luck')
        return run(id)
      }
      const fn = cached(failing, { ttl: '50ms', store, name: 'sie', staleIfError: '500ms' })
      await kept(fn, 'a')
      fails = true
      await eventually('it is stale', async () =>
        (await statusOf(fn, 'a'))[0] === 'stale' ? true : undefined,
      )
      assert.ok(during().length > 0 && during().every((each) => each === 'cached'))
      await eventually('its time is over', () =>
        fn('a').then(
          () => undefined,
          (error: Error) => /no luck/.test(error.message),
        ),
      )
    })

    it('gives no result that became too stale while the function failed', async () => {
      let fails = false
      const failing = async (id: string) => {
        if (!fails) return run(id)
        await sleep(100)
        throw new Error('no luck')
      }
      const fn = cached(failing, {
        ...{ ttl: '1m', store, name: 'late', staleIfError: '50ms', tags: ['late'] },
      })
      await kept(fn, 'a')
      fails = true
      await store.purge({ tags: ['late'], soft: true })
      await assert.rejects(fn('a'), /no luck/)
    })

    it('goes on giving a stale result where making it anew behind it fails', async () => {
      const failing = async (id: string) => {
        if (runs > 0) throw new Error(`no luck ${++runs}`)
        return run(id)
      }
      const fn = cached(failing, {
        ...{ ttl: '50ms', store, name: 'swr-sie', staleWhileRevalidate: '1m' },
      })
      await kept(fn, 'a')
      await eventually('it has failed twice', async () => {
        await fn('a')
        return runs > 2 || undefined
      })
      assert.equal((await statusOf(fn, 'a'))[0], 'stale')
      assert.deepEqual(new Set(during()), new Set(['cached']))
    })

    it('runs for each caller where nothing is to be shared', async () => {
      const gate = latch()
      const slow = async () => {
        runs += 1
        await gate.opened
        return {}
      }
      const fn = cached(slow, { ttl: '1m', store, name: 'apart', coalesce: false })
      const calls = [fn.withStatus(), fn.withStatus()]
      await eventually('both run', async () => (runs === 2 ? true : undefined))
      gate.open()
      const statuses = (await Promise.all(calls)).map(({ status }) => status)
      assert.deepEqual(statuses, ['miss', 'miss'])
    })

    it('gives a value of its own to each caller', async () => {
      const fn = cached(run, { ttl: '1m', store, name: 'own' })
      const [one, other] = await Promise.all([fn('a'), fn('a')])
      one.id = 'changed'
      assert.equal(other.id, 'a')
      other.id = 'changed'
      assert.equal((await fn('a')).id, 'a')
    })

    it('runs for those as well who wait for a value that has no stored form', async () => {
      const fn = cached(async () => ({ big: BigInt(++runs) }), { ttl: '1m', store, name: 'big' })
      const results = await Promise.all([fn.withStatus(), fn.withStatus()])
      assert.deepEqual(
        results.map(({ value, status }) => [value.big, status]),
        [
          [1n, 'miss'],
          [2n, 'miss'],
        ],
      )
      assert.ok(during().includes('cached write'))
    })
  })
}

describe('cached', () => {
  it('refuses tags, spans and ways to share that it cannot work with', () => {
    const wrong: [object, RegExp][] = [
      [{ tags: 'a' }, /`cached.tags` must be a function, or a list of at most 64 ids/],
      [{ tags: ['a', ''] }, /`cached.tags` must be a function, or a list/],
      [{ tags: Array.from({ length: 65 }, (_, at) => at) }, /`cached.tags` must be/],
      [{ staleWhileRevalidate: 0 }, /`cached.staleWhileRevalidate` must be a duration/],
      [{ staleIfError: '5' }, /`cached.staleIfError` must be a duration/],
      [{ coalesce: true }, /`cached.coalesce` must be "redis" or "process" or false/],
    ]
    for (const [options, message] of wrong)
      assert.throws(() => cached(async () => 1, { ttl: 1, name: 'x', ...options }), message)
  })
})

import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setTimeout as wait } from 'node:timers/promises'
import type { CacheStore } from '../../lib/cache/shelf.ts'
import { StoreError } from '../../lib/errors.ts'
import type { Entries } from '../../lib/ports/entries.ts'
import { createStore } from '../../lib/store.ts'
import type { CacheEvent, ErrorEvent } from '../../lib/telemetry.ts'
import { counting } from './pairs.ts'
import { fittingHead } from './sealed-head.ts'
import { closeSites, fact, frameworks } from './site.ts'

/** A store with some of its doors changed. */
function store(change: (entries: Entries) => Partial<Entries>): CacheStore {
  const sound = createStore({ provider: 'embedded' })
  return { ...sound, entries: { ...sound.entries, ...change(sound.entries) } }
}

const fails = async (): Promise<never> => {
  throw new StoreError('find', 'timeout')
}

/** What is published while something runs. */
async function published<T>(name: string, run: () => Promise<unknown>): Promise<T[]> {
  const events: T[] = []
  const listen = (event: unknown): void => {
    events.push(event as T)
  }
  subscribe(name, listen)
  await run().finally(() => unsubscribe(name, listen))
  return events
}

for (const framework of frameworks) {
  describe(`cacheResponse on ${framework}: a store that fails`, () => {
    afterEach(closeSites)

    it('lets the handler answer, and says that it is degraded', async () => {
      const shown: unknown[] = []
      const site = await counting(framework, {
        cache: { ttl: 60, store: store(() => ({ find: fails })) },
        handle(run) {
          shown.push(run.cache.degraded, run.cache.status, run.cache.reason)
          run.send(200, `run ${run.number}`)
        },
      })
      const reply = await site.get('/a')
      assert.deepEqual([reply.body, fact(reply)], ['run 1', 'memoryware; fwd=bypass; detail=store'])
      assert.deepEqual(shown, [true, 'bypass', 'store'])
    })

    it('says so once a request', async () => {
      const site = await counting(framework, {
        cache: { ttl: 60, store: store(() => ({ find: fails })) },
      })
      const ask = () => site.get('/a')
      const events = await published<CacheEvent>('memoryware:cache', ask)
      const errors = await published<ErrorEvent>('memoryware:error', ask)
      assert.deepEqual(events, [{ status: 'bypass', reason: 'store', degraded: true }])
      assert.deepEqual(
        errors.map(({ during }) => during),
        ['cache read'],
      )
    })

    it('answers although the write fails, and says so', async () => {
      const site = await counting(framework, {
        cache: { ttl: 60, store: store(() => ({ keep: fails })) },
      })
      const errors = await published<ErrorEvent>('memoryware:error', async () => {
        await site.get('/a')
        assert.equal((await site.get('/a')).body, 'run 2')
      })
      assert.deepEqual(new Set(errors.map(({ during }) => during)), new Set(['cache write']))
    })

    it('answers before a slow write is done', async () => {
      let written = false
      const keep = async (): Promise<boolean> => {
        await wait(200)
        written = true
        return true
      }
      const site = await counting(framework, { cache: { ttl: 60, store: store(() => ({ keep })) } })
      await site.get('/a')
      assert.equal(written, false)
    })

    for (const [says, change] of [
      ['torn', (head: Buffer) => head.subarray(0, -5)],
      ['of another version', (head: Buffer) => replaced(head, '"version":4', '"version":9')],
      ['of another key', (head: Buffer) => replaced(head, 'cache:{', 'cache:{x')],
      [
        'with a field that would split the head',
        (head: Buffer) => replaced(head, 'text/', 'a\\r\\nb'),
      ],
      ['empty', () => Buffer.alloc(0)],
    ] as const) {
      it(`drops an entry that is ${says}, and runs the handler`, async () => {
        const dropped: string[] = []
        const site = await counting(framework, {
          cache: {
            ttl: 60,
            store: store(({ find, drop }) => ({
              async find(...args) {
                const { entry, ...rest } = await find(...args)
                // The digest fits, so that it is not what is found out.
                const head = entry && fittingHead(change(entry.head), entry.body)
                return { ...rest, entry: entry && head && { ...entry, head } }
              },
              drop(key) {
                dropped.push(key)
                return drop(key)
              },
            })),
          },
        })
        await site.get('/a')
        await wait(5)
        assert.equal((await site.get('/a')).body, 'run 2')
        assert.equal(dropped.length, 1)
      })
    }

    it('publishes each request once, with what became of it', async () => {
      const site = await counting(framework)
      const events = await published<CacheEvent>('memoryware:cache', async () => {
        await site.get('/a')
        await site.get('/a')
        await site.get('/a', { method: 'DELETE' })
      })
      assert.deepEqual(events, [
        { status: 'miss', reason: undefined, degraded: false },
        { status: 'hit', reason: undefined, degraded: false },
        { status: 'bypass', reason: 'method', degraded: false },
      ])
    })
  })
}

function replaced(head: Buffer, from: string, to: string): Buffer {
  const text = head.toString()
  assert.ok(text.includes(from), text)
  return Buffer.from(text.replace(from, to))
}

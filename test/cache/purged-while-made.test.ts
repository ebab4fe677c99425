import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { purgesOf } from '../../lib/cache/purges.ts'
import type { Store } from '../../lib/index.ts'
import { purgeChannel } from '../../lib/keys.ts'
import type { Entries } from '../../lib/ports/entries.ts'
import {
  cacheOf,
  type PaperSite,
  serve,
  streamed,
  twoStores,
} from '../faults/cache-paper/paper-site.ts'
import { eventually } from '../support/eventually.ts'
import { type Latch, latch } from '../support/latch.ts'
import { bothProviders } from '../support/stores.ts'
import { of } from './pairs.ts'
import { closeSites, frameworks, type Run } from './site.ts'

const there = of('host', 'x.test')

/** A site whose first answer takes as long as it is told. */
interface Held {
  readonly site: PaperSite
  readonly held: Latch
  /** Resource of the last run. */
  key(): string
  ask(): Promise<string>
}

type Purge = (held: Held, store: Store) => Promise<unknown>

const ways: readonly (readonly [string, Purge])[] = [
  ['its address', ({ site }) => site.purge({ url: '/a' })],
  ['its tag', ({ site }) => site.purge({ tags: ['a'] })],
  ['its tag, softly', ({ site }) => site.purge({ tags: ['a'], soft: true })],
  ['its key', ({ site, key }) => site.purge({ key: key() })],
  ['its scope', ({ site }) => site.purge({ scope: 'team' })],
  ['the tag of its store', (_, store) => store.purge({ tags: ['a'] })],
  ['an unsafe method', ({ site }) => site.get('/a', { ...there, method: 'PUT' })],
]

/** One of each kind: by what the request tells, by what only its answer tells, by name. */
const kinds = ways.filter(([says]) => ['its address', 'its tag', 'its key'].includes(says))

type Options = NonNullable<Parameters<typeof serve>[1]['cache']>

async function hold(
  framework: 'express' | 'koa',
  cache: Options,
  answer: (run: Run, text: string) => void = (run, text) => run.send(200, text),
): Promise<Held> {
  const held = latch()
  let key = ''
  const site = await serve(framework, {
    cache: { ttl: 60, tags: ['a'], scope: () => 'team', ...cache },
    async handle(run) {
      if (run.method === 'PUT') {
        site.runs -= 1
        run.send(200, 'changed')
        return
      }
      const text = `run ${run.number}`
      key = cacheOf(run).key
      if (run.number === 1) await held.opened
      answer(run, text)
    },
  })
  const ask = async (): Promise<string> => (await site.get('/a', there)).body
  return { site, held, key: () => key, ask }
}

const running = (site: PaperSite, runs: number): Promise<unknown> =>
  eventually(`run ${runs}`, async () => site.runs >= runs || undefined, { everyMs: 2 })

/** The first event of a stream that goes on. */
async function firstOf({ site }: Held): Promise<string> {
  const stream = streamed(site.port, '/a')
  leaving.push(stream.leave)
  return String(await stream.first)
}

const leaving: (() => void)[] = []
const streams: PassThrough[] = []

function stream(run: Run, text: string): void {
  const body = new PassThrough()
  streams.push(body)
  body.write(`data: ${text}\n\n`)
  run.set('Content-Type', 'text/event-stream')
  run.send(200, body)
}

async function leaveAll(): Promise<void> {
  for (const leave of leaving.splice(0)) leave()
  for (const body of streams.splice(0)) body.destroy()
  await closeSites()
}

for (const provider of bothProviders()) {
  for (const framework of frameworks) {
    describe(`cacheResponse on ${framework} and ${provider.name}: what is purged while it is made`, () => {
      let store: Store

      before(provider.start)
      beforeEach(async () => {
        store = await provider.empty()
      })
      afterEach(leaveAll)
      after(provider.stop)

      for (const [says, purge] of ways) {
        it(`goes to those who asked before, and to nobody else: by ${says}`, async () => {
          const made = await hold(framework, { store })
          const before = [made.ask()]
          await running(made.site, 1)
          const { asked } = made.site
          before.push(made.ask())
          await eventually('it waits', async () => made.site.asked > asked || undefined)
          await purge(made, store)
          const later = made.ask()
          // Over a store, only the end of an answer that does not grow tells of its tags.
          if (provider.name === 'embedded' || !says.includes('tag')) await later
          else
            await eventually('it waits too', async () => made.site.asked > asked + 1 || undefined)
          made.held.open()
          // The one before it may have come to wait only after the purge, and then runs as well.
          assert.match(await later, /^run [23]$/)
          const bodies = await Promise.all(before)
          assert.equal(bodies[0], 'run 1')
          assert.match(String(bodies[1]), /^run [123]$/)
          assert.notEqual(await made.ask(), 'run 1')
        })

        it(`is read by nobody who asks later, while it grows: by ${says}`, async () => {
          const made = await hold(framework, { store }, stream)
          made.held.open()
          assert.equal(await firstOf(made), 'data: run 1\n\n')
          assert.equal(await firstOf(made), 'data: run 1\n\n')
          await purge(made, store)
          assert.equal(await firstOf(made), 'data: run 2\n\n')
        })
      }

      for (const [says, purge] of kinds)
        it(`is given to nobody while it is still to be written: by ${says}`, async () => {
          const writing = latch()
          const entries: Entries = {
            ...store.entries,
            async keep(...args) {
              await writing.opened
              return store.entries.keep(...args)
            },
          }
          const made = await hold(framework, { store: { ...store, entries } })
          made.held.open()
          assert.equal(await made.ask(), 'run 1')
          assert.equal(await made.ask(), 'run 1')
          await purge(made, store)
          const later = made.ask()
          if (provider.name === 'embedded' || !says.includes('tag')) await later
          writing.open()
          assert.equal(await later, 'run 2')
        })

      it('goes to those who ask later where something else was purged', async () => {
        const made = await hold(framework, { store })
        const first = made.ask()
        await running(made.site, 1)
        await made.site.purge({ url: '/b' })
        await made.site.purge({ key: 'cache:{b}' })
        await made.site.purge({ scope: 'other' })
        const later = made.ask()
        await eventually('it has arrived', async () => made.site.asked === 2 || undefined)
        made.held.open()
        assert.deepEqual(await Promise.all([first, later]), ['run 1', 'run 1'])
      })
    })
  }
}

for (const framework of frameworks) {
  describe(`cacheResponse on ${framework}, in two processes: what is purged while it is made`, () => {
    let stores: readonly [Store, Store]
    let close: () => Promise<void>

    beforeEach(async () => {
      ;({ stores, close } = await twoStores())
    })
    afterEach(async () => {
      await leaveAll()
      await close()
    })

    /** Once it stands: settled when a purge is heard of. */
    async function hearing(store: Store): Promise<Promise<void>[]> {
      await eventually(
        'it hears of purges',
        async () => purgesOf(store).stands(store, performance.now()) || undefined,
      )
      const heard = latch()
      await store.subscribe(purgeChannel, heard.open)
      return [heard.opened]
    }

    for (const l1 of [false, undefined] as const)
      for (const [says, purge] of kinds)
        it(`is no answer here once that is heard from there (${l1 ?? 'L1'}): by ${says}`, async () => {
          const cache = { coalesce: 'process', ...(l1 === false ? { l1 } : {}) } as const
          const made = await hold(framework, { ...cache, store: stores[0] })
          const other = await hold(framework, { ...cache, store: stores[1] })
          const first = made.ask()
          await running(made.site, 1)
          const [heard] = await hearing(stores[0])
          await purge({ ...other, key: made.key }, stores[1])
          await heard
          assert.equal(await made.ask(), 'run 2')
          made.held.open()
          assert.equal(await first, 'run 1')
        })

    for (const [says, purge] of kinds) {
      it(`is not followed from there: by ${says}`, async () => {
        const made = await hold(framework, { store: stores[0] })
        const other = await hold(framework, { store: stores[1] })
        other.held.open()
        const first = made.ask()
        await running(made.site, 1)
        const [heard] = await hearing(stores[0])
        await purge({ ...other, key: made.key }, stores[1])
        await heard
        const { asked } = other.site
        const later = other.ask()
        if (!says.includes('tag')) await later
        else await eventually('it waits', async () => other.site.asked > asked || undefined)
        made.held.open()
        await later
        assert.equal(other.site.runs, 1)
        assert.equal(await first, 'run 1')
      })

      it(`is not read along from there, while it grows: by ${says}`, async () => {
        const made = await hold(framework, { store: stores[0] }, stream)
        const other = await hold(framework, { store: stores[1] }, stream)
        for (const each of [made, other]) each.held.open()
        await firstOf(made)
        await purge({ ...other, key: made.key }, stores[1])
        await firstOf(other)
        assert.equal(other.site.runs, 1)
      })
    }

    it('is followed where something else was purged', async () => {
      const made = await hold(framework, { store: stores[0] }, stream)
      const other = await hold(framework, { store: stores[1] }, stream)
      for (const each of [made, other]) each.held.open()
      await firstOf(made)
      await other.site.purge({ tags: ['b'] })
      await other.site.purge({ key: 'cache:{b}' })
      assert.equal(await firstOf(other), 'data: run 1\n\n')
      assert.equal(other.site.runs, 0)
    })
  })
}

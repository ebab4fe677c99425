import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import type { Entries } from '../../lib/ports/entries.ts'
import { createStore } from '../../lib/store.ts'
import { eventually } from '../support/eventually.ts'
import { counting, of } from './pairs.ts'
import { closeSites, fact, frameworks, open, type Reply, type Run } from './site.ts'

interface Gate {
  readonly opened: Promise<void>
  open(): void
}

function gate(): Gate {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await wait(2)
}

const bodies = (replies: readonly Reply[]): Record<string, number> => {
  const count: Record<string, number> = {}
  for (const { body } of replies) count[body] = (count[body] ?? 0) + 1
  return count
}

for (const framework of frameworks) {
  describe(`cacheResponse on ${framework}: requests at the same time`, () => {
    afterEach(closeSites)

    it('runs the handler once for a hundred', async () => {
      const { opened, open: release } = gate()
      const site = await counting(framework, {
        async handle(run) {
          await opened
          run.send(200, `run ${run.number}`)
        },
      })
      const asked = Array.from({ length: 100 }, () => site.get('/a'))
      await eventually('all have arrived', async () => site.asked === 100 || undefined)
      await wait(100)
      release()
      const replies = await Promise.all(asked)
      const facts = new Set(replies.map(fact))
      assert.deepEqual(bodies(replies), { 'run 1': 100 })
      assert.deepEqual(
        facts,
        new Set(['memoryware; fwd=miss; stored', 'memoryware; fwd=miss; collapsed']),
      )
    })

    it('runs the handler for each where coalescing is switched off', async () => {
      const site = await counting(framework, {
        cache: { ttl: 60, coalesce: false },
        async handle(run) {
          await until(() => site.runs === 3)
          run.send(200, `run ${run.number}`)
        },
      })
      await Promise.all([site.get('/a'), site.get('/a'), site.get('/a')])
      assert.equal(site.runs, 3)
    })

    it('gives the lead to one who waits when the leader leaves', async () => {
      const { opened, open: release } = gate()
      const site = await counting(framework, {
        async handle(run) {
          if (run.number === 1) await opened
          run.send(200, `run ${run.number}`)
        },
      })
      const leader = new AbortController()
      const led = site.get('/a', { signal: leader.signal }).catch(() => 'left')
      await until(() => site.runs === 1)
      const waiting = Array.from({ length: 20 }, () => site.get('/a'))
      await wait(50)
      leader.abort()
      assert.deepEqual(bodies(await Promise.all(waiting)), { 'run 2': 20 })
      assert.equal(await led, 'left')
      release()
    })

    for (const [how, fail] of [
      ['destroys its response', (run: Run) => run.raw.destroy()],
      [
        'breaks off',
        (run: Run) => {
          run.raw.statusCode = 200
          run.raw.write('half')
          run.raw.destroy()
        },
      ],
    ] as const) {
      it(`gives the lead to one who waits when the leader ${how}`, async () => {
        const site = await counting(framework, {
          async handle(run) {
            await wait(50)
            if (run.number === 1) fail(run)
            else run.send(200, `run ${run.number}`)
          },
        })
        const asked = await Promise.allSettled(Array.from({ length: 10 }, () => site.get('/a')))
        const replies = asked.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
        assert.deepEqual(bodies(replies), { 'run 2': 9 })
      })
    }

    it('never leaves anybody waiting when every run throws', async () => {
      const site = await counting(framework, {
        async handle() {
          await wait(20)
          throw new Error('no answer')
        },
      })
      const replies = await Promise.all(Array.from({ length: 10 }, () => site.get('/a')))
      assert.deepEqual(new Set(replies.map(({ status }) => status)), new Set([500]))
    })

    it('lets all run at once as soon as the answer turns out not to be storable', async () => {
      const { opened, open: release } = gate()
      const site = await counting(framework, {
        async handle(run) {
          run.set('Cache-Control', 'no-store')
          run.raw.statusCode = 200
          run.raw.write(`run ${run.number}`)
          await opened
          run.raw.end()
        },
      })
      const asked = Array.from({ length: 10 }, () => site.get('/a'))
      await until(() => site.runs === 10)
      release()
      assert.equal(Object.keys(bodies(await Promise.all(asked))).length, 10)
    })

    it('does not wait where the last answer could not be stored', async () => {
      const { opened, open: release } = gate()
      const site = await counting(framework, {
        async handle(run) {
          run.set('Cache-Control', 'private')
          if (run.number > 1) await opened
          run.send(200, `run ${run.number}`)
        },
      })
      await site.get('/a')
      const asked = [site.get('/a'), site.get('/a')]
      await until(() => site.runs === 3)
      release()
      await Promise.all(asked)
    })

    it('does not serve an answer that varies to a request for another variant', async () => {
      const { opened, open: release } = gate()
      const site = await counting(framework, {
        async handle(run) {
          const language = run.headers['accept-language']
          if (run.number === 1) await opened
          run.set('Vary', 'Accept-Language')
          run.send(200, `${language} ${run.number}`)
        },
      })
      const first = site.get('/a', of('accept-language', 'de'))
      await until(() => site.runs === 1)
      const rest = ['de', 'fr', 'fr', 'de', 'fr'].map((each) =>
        site.get('/a', of('accept-language', each)),
      )
      await wait(50)
      release()
      assert.deepEqual(bodies(await Promise.all([first, ...rest])), { 'de 1': 3, 'fr 2': 3 })
    })

    it('answers from the copy in memory while the store is still writing', async () => {
      const store = createStore({ provider: 'embedded' })
      const { opened, open: release } = gate()
      const entries: Entries = {
        ...store.entries,
        keep: async (...args) => {
          await opened
          return store.entries.keep(...args)
        },
      }
      const site = await counting(framework, { cache: { ttl: 60, store: { ...store, entries } } })
      await site.get('/a')
      const second = await site.get('/a')
      release()
      await wait(10)
      const third = await site.get('/a')
      assert.match(fact(second), /hit/)
      assert.deepEqual([second.body, third.body], ['run 1', 'run 1'])
    })

    it('does not have requests with a cookie of their own wait', async () => {
      const { opened, open: release } = gate()
      const site = await open(framework, {
        cache: { ttl: 60 },
        async handle(run) {
          if (run.number < 3) await opened
          run.send(200, 'x')
        },
      })
      const asked = [site.get('/a', of('cookie', 'a=1')), site.get('/a', of('cookie', 'a=2'))]
      await until(() => site.runs === 2)
      await site.get('/a')
      release()
      await Promise.all(asked)
    })
  })
}

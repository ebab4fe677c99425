import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { closeSharing } from '../../lib/cache/sharing.ts'
import { type CachedOptions, cached, type Store } from '../../lib/index.ts'
import { eventually } from '../support/eventually.ts'
import { latch } from '../support/latch.ts'
import { bothProviders } from '../support/stores.ts'
import {
  closeSites,
  fact,
  frameworks,
  open,
  type Plan,
  type Run,
  type Sent,
  type Site,
} from './site.ts'

/** One process of two, as it were: what it looks for and claims is noted. */
interface Process {
  readonly store: Store
  /** Each look, and what each claim came to. */
  readonly calls: string[]
  /** Resolves once an answer that it makes is kept. */
  readonly kept: Promise<void>
  /** Resolves once it has ended an answer that it makes. */
  readonly ended: Promise<void>
  /** Called once, before its next claim is sent. */
  between: () => Promise<unknown>
}

function processOn(store: Store): Process {
  const [kept, ended] = [latch(), latch()]
  const { find, keep, amend } = store.entries
  const { claim, end } = store.fills
  const own: Process = {
    calls: [],
    kept: kept.opened,
    ended: ended.opened,
    between: nothing,
    store: {
      ...store,
      entries: {
        ...store.entries,
        find: (...args) => {
          own.calls.push('look')
          return find(...args)
        },
        async keep(...args) {
          const isKept = await keep(...args)
          kept.open()
          return isKept
        },
        async amend(...args) {
          const isAmended = await amend(...args)
          kept.open()
          return isAmended
        },
      },
      fills: {
        ...store.fills,
        async claim(...args) {
          const { between } = own
          own.between = nothing
          await between()
          const claimed = await claim(...args)
          own.calls.push(claimed.kind)
          return claimed
        },
        async end(...args) {
          await end(...args)
          ended.open()
        },
      },
    },
  }
  return own
}

/** The host is part of what is asked for, and each site has a port of its own. */
function named({ get, ...site }: Site): Site {
  return {
    ...site,
    get: (path, sent) => get(path, { ...sent, headers: { host: 'one.example', ...sent?.headers } }),
  }
}

async function nothing(): Promise<void> {}

for (const stores of bothProviders()) {
  describe(`what is kept between a look and a claim over ${stores.name}`, () => {
    let store: Store
    let one: Process
    let other: Process
    let runs: number

    before(stores.start)
    after(stores.stop)
    beforeEach(async () => {
      store = await stores.empty()
      ;[one, other] = [processOn(store), processOn(store)]
      runs = 0
    })
    afterEach(async () => {
      await closeSites()
      for (const each of [one, other]) await closeSharing(each.store)
    })

    /** While one process is about to claim, the other does all this. */
    function meanwhile(...steps: (() => Promise<unknown>)[]): void {
      one.calls.length = 0
      one.between = async () => {
        for (const step of steps) await step()
      }
    }

    const purged = (soft: boolean) => () => store.purge({ tags: ['t'], soft })

    for (const framework of frameworks) {
      describe(`by a request on ${framework}`, () => {
        let sites: { one: Site; other: Site }

        async function serve(plan: { cache?: Plan['cache']; handle?: (run: Run) => unknown } = {}) {
          const handle = (run: Run) => {
            runs += 1
            if (plan.handle) plan.handle(run)
            else run.send(200, `run ${runs}`)
          }
          const at = ({ store }: Process, rest: Plan['cache'] = {}) =>
            open(framework, {
              cache: {
                ...{ store, ttl: '1m', tags: ['t'], l1: false, coalesce: 'redis', ...plan.cache },
                ...rest,
              },
              handle,
            })
          sites = { one: named(await at(one)), other: named(await at(other, otherwise)) }
        }
        let otherwise: Plan['cache']
        beforeEach(() => {
          otherwise = {}
        })

        const others = (sent?: Sent) => () => sites.other.get('/a', sent)
        const ended = () => other.ended

        it('is nothing mostly: a look and a claim go before the handler', async () => {
          let calls: readonly string[] = []
          await serve({
            handle: (run) => {
              calls = [...one.calls]
              run.send(200, 'x')
            },
          })
          assert.equal(fact(await sites.one.get('/a')), 'memoryware; fwd=miss; stored')
          assert.deepEqual(calls, ['look', 'leading'])
        })

        for (const until of ['kept', 'ended'] as const)
          it(`is found once it is ${until}, and the handler runs once`, async () => {
            await serve()
            let made = ''
            meanwhile(
              async () => {
                made = (await sites.other.get('/a')).body
              },
              () => other[until],
            )
            const reply = await sites.one.get('/a')
            assert.deepEqual([reply.body, made, runs], ['run 1', 'run 1', 1])
            assert.equal(fact(reply), 'memoryware; fwd=miss; collapsed')
            assert.deepEqual(one.calls, ['look', 'kept', 'look'])
            assert.deepEqual(other.calls, ['look', 'leading'])
          })

        it('is found as well where the other shares with no process', async () => {
          otherwise = { coalesce: 'process' }
          await serve()
          meanwhile(others(), () => other.kept)
          assert.equal((await sites.one.get('/a')).body, 'run 1')
          assert.deepEqual([runs, one.calls], [1, ['look', 'kept', 'look']])
        })

        it('is found by all in the process who wait', async () => {
          await serve()
          meanwhile(others(), ended)
          const replies = await Promise.all([1, 2, 3].map(() => sites.one.get('/a')))
          assert.deepEqual(new Set(replies.map(({ body }) => body)), new Set(['run 1']))
          assert.equal(runs, 1)
        })

        it('is found in the place of what was stale', async () => {
          await serve({ cache: { staleIfError: '1m' } })
          await sites.one.get('/a')
          await one.ended
          await purged(true)()
          meanwhile(others(), ended)
          assert.equal((await sites.one.get('/a')).body, 'run 2')
          assert.deepEqual([runs, one.calls], [2, ['look', 'kept', 'look']])
        })

        it('keeps a stale answer from being renewed twice', async () => {
          await serve({ cache: { staleWhileRevalidate: '1m' } })
          await sites.one.get('/a')
          await one.ended
          await purged(true)()
          meanwhile(others(), ended)
          assert.equal((await sites.one.get('/a')).body, 'run 1')
          // Who asks before the claim has come to anything may look before that.
          await eventually('it has claimed', async () => one.calls.find((each) => each !== 'look'))
          assert.equal((await sites.one.get('/a')).body, 'run 2')
          assert.equal(runs, 2)
          assert.deepEqual(one.calls.slice(0, 3), ['look', 'kept', 'look'])
        })

        for (const soft of [false, true])
          it(`is not given once it is ${soft ? 'softly ' : ''}purged`, async () => {
            await serve()
            meanwhile(others(), ended, purged(soft))
            assert.equal((await sites.one.get('/a')).body, 'run 2')
            assert.deepEqual(one.calls, ['look', 'kept', 'look', 'leading'])
          })

        it('is told apart by what it turns out to vary by', async () => {
          await serve({
            handle: (run) => {
              run.set('Vary', 'Accept-Language')
              run.send(200, `${run.headers['accept-language']} ${runs}`)
            },
          })
          const language = (each: string): Sent => ({ headers: { 'accept-language': each } })
          meanwhile(others(language('de')), ended)
          assert.equal((await sites.one.get('/a', language('fr'))).body, 'fr 2')
          assert.equal(one.calls.at(-1), 'leading')
          meanwhile(() => sites.other.get('/b', language('de')), ended)
          assert.equal((await sites.one.get('/b', language('de'))).body, 'de 3')
          assert.equal(runs, 3)
        })

        it('is nothing where it could not be shared', async () => {
          await serve({
            handle: (run) => {
              run.set('Cache-Control', 'no-store')
              run.send(200, `run ${runs}`)
            },
          })
          meanwhile(others(), ended)
          assert.equal((await sites.one.get('/a')).body, 'run 2')
          assert.deepEqual(one.calls, ['look', 'alone'])
        })
      })
    }

    describe('by cached()', () => {
      let names = 0
      const options = { ttl: '1m', tags: ['t'], coalesce: 'redis' } as const

      /** One function in both processes. */
      function both(rest: Partial<CachedOptions<[]>> = {}, of: Partial<CachedOptions<[]>> = {}) {
        names += 1
        const name = `meanwhile ${names}`
        const fn = async () => ({ run: ++runs })
        const at = ({ store }: Process, more: Partial<CachedOptions<[]>> = {}) =>
          cached(fn, { ...options, ...rest, ...more, name, store })
        return { one: at(one), other: at(other, of) }
      }

      for (const until of ['kept', 'ended'] as const)
        it(`is found once it is ${until}, and the function runs once`, async () => {
          const fns = both()
          meanwhile(fns.other, () => other[until])
          const { value, status } = await fns.one.withStatus()
          assert.deepEqual([value, status, runs], [{ run: 1 }, 'collapsed', 1])
          assert.deepEqual(one.calls, ['look', 'kept', 'look'])
        })

      it('is found as well where the other shares with no process', async () => {
        const fns = both({}, { coalesce: 'process' })
        meanwhile(fns.other, () => other.kept)
        assert.deepEqual([await fns.one(), runs], [{ run: 1 }, 1])
      })

      it('is found in the place of what was stale', async () => {
        const fns = both({ staleIfError: '1m' })
        await fns.one()
        await one.ended
        await purged(true)()
        meanwhile(fns.other, () => other.ended)
        assert.deepEqual([await fns.one(), runs], [{ run: 2 }, 2])
      })

      it('keeps a stale result from being renewed twice', async () => {
        const fns = both({ staleWhileRevalidate: '1m' })
        await fns.one()
        await one.ended
        await purged(true)()
        const looked = latch()
        meanwhile(
          fns.other,
          () => other.ended,
          async () => looked.open(),
        )
        assert.deepEqual(await fns.one(), { run: 1 })
        await looked.opened
        assert.deepEqual([await fns.one(), runs], [{ run: 2 }, 2])
      })

      for (const soft of [false, true])
        it(`is not given once it is ${soft ? 'softly ' : ''}purged`, async () => {
          const fns = both()
          meanwhile(fns.other, () => other.ended, purged(soft))
          assert.deepEqual([await fns.one(), runs], [{ run: 2 }, 2])
          assert.deepEqual(one.calls, ['look', 'kept', 'look', 'leading'])
        })

      it('is not given once it is forgotten', async () => {
        const fns = both()
        meanwhile(
          fns.other,
          () => other.ended,
          () => fns.other.delete(),
        )
        assert.deepEqual([await fns.one(), runs], [{ run: 2 }, 2])
        assert.deepEqual(one.calls, ['look', 'leading'])
      })
    })
  })
}

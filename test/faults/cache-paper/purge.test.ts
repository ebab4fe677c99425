import assert from 'node:assert/strict'
import type { Store } from '../../../lib/index.ts'
import { closeSites, fact, frameworks, type Run, type Sent } from '../../cache/site.ts'
import { eventually } from '../../support/eventually.ts'
import { latch } from '../../support/latch.ts'
import { bothProviders } from '../../support/stores.ts'
import {
  cacheOf,
  connected,
  type PaperOptions,
  type Purged,
  serve,
  twoStores,
} from './paper-site.ts'

const at = { host: 'x.test' }

interface Case {
  readonly says: string
  readonly cache?: PaperOptions
  readonly handle?: (run: Run) => unknown
  readonly sent?: Sent
  /** What purges the answer of `/a?q=1`, and what does not. */
  readonly hits: Purged
  readonly misses: readonly Purged[]
}

/** The key that the handler saw last. */
let key = ''

const cases: readonly Case[] = [
  {
    says: 'tags of the option',
    cache: { tags: ['one', 'two'] },
    hits: { tags: ['zero', 'two'] },
    misses: [{ tags: ['zero'] }, { tags: ['On'] }, { tags: ['one:two'] }],
  },
  {
    says: 'tags of a function',
    cache: { tags: () => ['of a function/\u00e4'] },
    hits: { tags: ['of a function/\u00e4'] },
    misses: [{ tags: ['of a function'] }],
  },
  {
    says: 'tags that the handler gives',
    handle(run) {
      cacheOf(run).tag('one')
      cacheOf(run).tag('two', 'three')
      run.send(200, `run ${run.number}`)
    },
    hits: { tags: ['three'] },
    misses: [{ tags: ['four'] }],
  },
  {
    says: 'its address',
    hits: { url: '/a?q=1' },
    misses: [{ url: '/a' }, { url: '/a?q=2' }, { url: '/b?q=1' }],
  },
  {
    says: 'its key',
    handle(run) {
      ;({ key } = cacheOf(run))
      run.send(200, `run ${run.number}`)
    },
    hits: {
      get key() {
        return key
      },
    },
    misses: [],
  },
  {
    says: 'its scope',
    cache: { scope: (native) => native.get('x-tenant') ?? null },
    sent: { headers: { ...at, 'x-tenant': 'a' } },
    hits: { scope: 'a' },
    misses: [{ scope: 'b' }],
  },
]

const asking = (sent: Sent = { headers: at }) => ['/a?q=1', sent] as const

for (const provider of bothProviders()) {
  for (const framework of frameworks) {
    describe(`purge on ${framework} and ${provider.name}`, () => {
      before(provider.start)
      afterEach(closeSites)
      after(provider.stop)

      const open = async ({ cache = {}, handle }: Pick<Case, 'cache' | 'handle'>) =>
        serve(framework, {
          cache: { store: await connected(await provider.empty()), ttl: 60, ...cache },
          ...(handle ? { handle } : {}),
        })

      for (const { says, sent, hits, misses, ...plan } of cases) {
        it(`runs the handler again by ${says}`, async () => {
          const site = await open(plan)
          const ask = asking(sent)
          await site.get(...ask)
          for (const other of misses) await site.purge(other)
          const kept = await site.get(...ask)
          await site.purge(hits)
          const purged = await site.get(...ask)
          const again = await site.get(...ask)
          assert.deepEqual([kept.body, purged.body, again.body], ['run 1', 'run 2', 'run 2'])
        })

        // What a key holds is forgotten as a whole.
        if (says === 'its key') continue

        it(`makes an answer stale by ${says}, where it is soft`, async () => {
          const site = await open({
            ...plan,
            cache: { ...plan.cache, staleWhileRevalidate: 60 } as PaperOptions,
          })
          const ask = asking(sent)
          await site.get(...ask)
          await site.purge({ ...hits, soft: true })
          const stale = await site.get(...ask)
          assert.equal(stale.body, 'run 1')
          assert.match(fact(stale), /hit; ttl=(?:0|-)/)
          await eventually('it is made anew', async () => {
            const { body } = await site.get(...ask)
            return body === 'run 2' || undefined
          })
        })
      }

      it('catches what is being made', async () => {
        const held = latch()
        const site = await open({
          cache: { tags: ['one'] },
          async handle(run) {
            if (run.number === 1) await held.opened
            run.send(200, `run ${run.number}`)
          },
        })
        const first = site.get(...asking())
        await eventually('it runs', async () => site.runs === 1 || undefined)
        await site.purge({ tags: ['one'] })
        held.open()
        await first
        assert.equal((await site.get(...asking())).body, 'run 2')
      })

      it('takes all that carry a tag', async () => {
        const site = await open({ cache: { tags: ['all'] } })
        const paths = Array.from({ length: 40 }, (_, number) => `/a?q=${number}`)
        for (const path of paths) await site.get(path, { headers: at })
        await site.purge({ tags: ['all'] })
        for (const path of paths) await site.get(path, { headers: at })
        assert.equal(site.runs, 80)
      })

      for (const wrong of [{ tags: [''] }, { tags: ['x'.repeat(129)] }, { tag: ['a'] }]) {
        it(`refuses ${JSON.stringify(wrong).slice(0, 20)}`, async () => {
          const site = await open({})
          const refused = ({ code }: { code?: string }) => code?.startsWith('ERR_') === true
          await assert.rejects(async () => site.purge(wrong as Purged), refused)
        })
      }
    })
  }
}

for (const framework of frameworks) {
  describe(`purge on ${framework} and two processes`, () => {
    afterEach(closeSites)

    for (const [says, more] of [
      ['with memories of their own', {}],
      ['without', { l1: false }],
    ] as const) {
      it(`reaches what the other has answered, ${says}`, async () => {
        const { stores, close } = await twoStores()
        const cache = { ttl: 60, tags: ['one'], ...more }
        const open = (store: Store, name: string) =>
          serve(framework, {
            cache: { store, ...cache },
            handle: (run) => run.send(200, `${name} ${run.number}`),
          })
        const [one, other] = [await open(stores[0], 'one'), await open(stores[1], 'other')]
        await one.get(...asking())
        // What was written on its connection before this is there after it.
        await stores[0].get('anything')
        assert.equal((await other.get(...asking())).body, 'one 1')
        await other.purge({ tags: ['one'] })
        assert.equal((await other.get(...asking())).body, 'other 1')
        const { body } = await eventually('the first sees it', async () => {
          const reply = await one.get(...asking())
          return reply.body === 'one 1' ? undefined : reply
        })
        assert.match(body, /^(?:one 2|other 1)$/)
        await close()
      })
    }
  })
}

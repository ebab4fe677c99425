import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { after, afterEach, before, describe, it } from 'mocha'
import type { Store } from '../../lib/index.ts'
import * as onExpress from '../../middleware/express.ts'
import * as onKoa from '../../middleware/koa.ts'
import { closeSites, fact, frameworks, open, type Plan, type Run } from '../cache/site.ts'
import {
  type Ask,
  differing,
  type LeakCase,
  lastFails,
  ownText,
  setting,
} from '../faults/cache-leaks/leak-case.ts'
import { type Peer, peers } from '../faults/cache-leaks/peers.ts'
import { leaks } from '../faults/cache-leaks/script.ts'
import { eventually } from '../support/eventually.ts'
import { bothProviders } from '../support/stores.ts'

const others: readonly Peer[] = ['apicache', 'route-cache', 'koa-cash']
const express: readonly Peer[] = ['apicache', 'route-cache']
/** What a file looks like, so that a cache in front would keep it. */
const deceiving = '/acct/x.css'

const paths = (...all: string[]): readonly Ask[] => all.map((path) => [path])

/** What may come of a request that somebody has made before. The whole list is in `test/faults/cache-leaks`. */
const rows: Readonly<Record<string, readonly LeakCase[]>> = {
  'an answer that is somebody’s own': [
    {
      says: 'to who sent Authorization',
      asks: differing('authorization', 'Bearer a', 'Bearer b'),
      leaksIn: others,
    },
    { says: 'to who sent a cookie', asks: differing('cookie', 'sid=a', 'sid=b'), leaksIn: others },
    {
      says: 'with Cache-Control: private',
      handle: setting({ 'Cache-Control': 'private, max-age=60' }),
      leaksIn: others,
    },
    {
      says: 'with Cache-Control: no-store',
      handle: setting({ 'Cache-Control': 'no-store' }),
      leaksIn: others,
    },
    {
      says: 'with Set-Cookie',
      handle: (run) => setting({ 'Set-Cookie': `sid=${run.number}` })(run),
      leaksIn: others,
    },
    {
      says: 'that varies by a field',
      handle: setting({ Vary: 'X-Tenant', 'Cache-Control': 'max-age=60' }),
      asks: differing('x-tenant', 'a', 'b'),
      leaksIn: others,
    },
    {
      says: 'that varies by all',
      handle: setting({ Vary: '*', 'Cache-Control': 'max-age=60' }),
      leaksIn: others,
    },
  ],
  'a failure of a moment, for everybody': [
    {
      says: 'with status 500',
      handle: (run) => run.send(run.number === 1 ? 500 : 200, `run ${run.number}`),
      leaked: lastFails(({ status }) => status === 200),
      leaksIn: ['apicache'],
    },
    {
      says: 'that a client’s own field has caused',
      handle: (run) => run.send(run.headers['x-huge'] ? 400 : 200, `run ${run.number}`),
      asks: [['/a', { headers: { 'x-huge': 'x'.repeat(1000) } }], ['/a']],
      leaked: lastFails(({ status }) => status === 200),
      leaksIn: ['apicache'],
    },
  ],
  'a page that a client’s field has poisoned': [
    {
      says: 'by X-Forwarded-Host behind a trusted proxy, which is part of the key',
      asks: differing('x-forwarded-host', 'shop.test', 'evil.test'),
      plan: { trustProxy: true },
      leaksIn: others,
    },
    {
      says: 'by Host',
      asks: differing('host', 'shop.test', 'evil.test'),
      leaksIn: others,
    },
  ],
  'an account that is asked for as if it were a file': [
    ...['private', 'no-store'].map((line) => ({
      says: `which says ${line}`,
      handle: setting({ 'Cache-Control': line }),
      asks: paths(deceiving, deceiving),
      leaksIn: others,
    })),
    {
      says: 'by who is signed in by cookie',
      asks: [[deceiving, { headers: { cookie: 'sid=a' } }], [deceiving]],
      leaksIn: others,
    },
  ],
  'another request’s answer, by confusing keys': [
    {
      says: 'by the order of parameters',
      asks: paths('/a?q=1&q=2', '/a?q=2&q=1'),
      leaksIn: ['naive'],
    },
    {
      says: 'by a parameter twice',
      asks: paths('/a?q=1', '/a?q=1&q=2', '/a?q=2'),
      leaksIn: ['naive'],
    },
    { says: 'by an encoded &', asks: paths('/a?q=1%26p=2', '/a?q=1&p=2'), leaksIn: ['naive'] },
    { says: 'by an encoded slash', asks: paths('/a/b', '/a%2Fb', '/a//b'), leaksIn: ['naive'] },
    {
      says: 'by HEAD, whose body is empty',
      asks: [['/a', { method: 'HEAD' }], ['/a']],
      leaked: lastFails(({ body }) => body.startsWith('run')),
      leaksIn: ['naive'],
    },
    {
      says: 'by another method',
      asks: [['/a'], ['/a', { method: 'POST' }]],
      leaksIn: express,
    },
    {
      says: 'by Range, as the whole',
      handle: (run: Run) => {
        if (run.headers.range === undefined) return run.send(200, 'whole')
        run.set('Content-Range', 'bytes 0-1/5')
        run.send(206, 'wh')
      },
      asks: [['/a', { headers: { range: 'bytes=0-1' } }], ['/a']],
      leaked: lastFails(({ status, body }) => status === 200 && body === 'whole'),
      leaksIn: express,
    },
  ],
  'half an answer, because the client of the first has left': [
    {
      says: 'that had a length',
      async handle(run) {
        if (run.number > 1) return ownText(run)
        run.raw.writeHead(200, { 'Content-Length': '8' })
        run.raw.write('half')
        await new Promise((resolve) => run.raw.once('close', resolve))
      },
      firstLeaves: true,
      leaked: lastFails(({ body }) => body === 'run 2'),
      leaksIn: ['naive'],
    },
    {
      says: 'that came in chunks',
      async handle(run) {
        if (run.number > 1) return ownText(run)
        run.raw.write('half')
        await new Promise((resolve) => run.raw.once('close', resolve))
      },
      firstLeaves: true,
      leaked: lastFails(({ body }) => body === 'run 2'),
      leaksIn: ['naive'],
    },
  ],
}

for (const [threat, cases] of Object.entries(rows)) {
  for (const provider of bothProviders()) {
    for (const framework of frameworks) {
      describe(`threat: the cache gives away ${threat} (${framework}, ${provider.name})`, () => {
        let store: Store
        before(async () => {
          await provider.start()
          store = await provider.empty()
        })
        afterEach(closeSites)
        after(provider.stop)

        const settled = async () => {
          for (let turns = 0; turns < 5; turns += 1) await turn()
          await store.get('anything')
        }
        for (const leakCase of cases)
          it(`does not: ${leakCase.says}`, async () => {
            const trial = { framework, plan: { cache: { store } }, settled, patienceMs: 1500 }
            assert.equal(await leaks(leakCase, trial), false)
          })
      })
    }
  }

  describe(`others give away ${threat}`, () => {
    const closing: (() => void)[] = []
    afterEach(closeSites)
    after(() => {
      for (const close of closing) close()
    })

    for (const leakCase of cases)
      for (const peer of leakCase.leaksIn)
        it(`${peer} does: ${leakCase.says}`, async () => {
          const { framework, plan, close } = peers[peer]()
          closing.push(close)
          const settled = () => new Promise((resolve) => setTimeout(resolve, 5))
          const trial = { framework, plan: { ...plan, cache: undefined }, settled, patienceMs: 400 }
          assert.equal(await leaks(leakCase, trial), true)
        })
  })
}

for (const provider of bothProviders()) {
  for (const framework of frameworks) {
    describe(`threat: a client field that gets past the cache (${framework}, ${provider.name})`, () => {
      before(provider.start)
      afterEach(closeSites)
      after(provider.stop)

      const fields = ['no-cache', 'no-store', 'max-age=0', 'min-fresh=1000000']
      const opened = async (cache: Partial<NonNullable<Plan['cache']>>, handle = ownText) =>
        open(framework, { cache: { store: await provider.empty(), ttl: 60, ...cache }, handle })

      it('is not heard in mode app: a flood of them runs the handler once', async () => {
        const site = await opened({ mode: 'app' })
        await site.get('/a')
        await eventually(
          'it is stored',
          async () => /hit/.test(fact(await site.get('/a'))) || undefined,
        )
        for (const line of fields)
          for (let time = 0; time < 5; time += 1)
            await site.get('/a', { headers: { 'cache-control': line, pragma: 'no-cache' } })
        assert.equal(site.runs, 1)
      })

      it('is heard in mode http, so that only a limit before the cache bounds a flood of them', async () => {
        const store = await provider.empty()
        const limit = { store, limit: 5, window: '1m' } as const
        const site = await open(framework, {
          cache: { store, ttl: 60, mode: 'http' },
          handle: ownText,
          express: { before: [onExpress.rateLimit(limit)] },
          koa: { before: [onKoa.rateLimit(limit)] },
        })
        const flood = Array.from({ length: 40 }, () =>
          site.get('/a', { headers: { 'cache-control': 'no-cache' } }),
        )
        const refused = (await Promise.all(flood)).filter(({ status }) => status === 429)
        assert.deepEqual([refused.length, site.runs], [35, 5])
      })
    })

    describe(`threat: a stampede whose first one fails (${framework}, ${provider.name})`, () => {
      before(provider.start)
      afterEach(closeSites)
      after(provider.stop)

      for (const [how, fail] of [
        [
          'throws',
          () => {
            throw new Error('of a moment')
          },
        ],
        [
          'breaks off half-way',
          (run: Run) => {
            run.raw.writeHead(200, { 'Content-Length': '100' })
            run.raw.write('half')
            run.raw.destroy()
          },
        ],
      ] as const)
        it(`keeps nobody waiting where its handler ${how}, and gives nobody half of it`, async () => {
          const store = await provider.empty()
          const handle = async (run: Run) => {
            await eventually('all wait', async () => site.asked >= 50 || undefined)
            if (run.number === 1) return fail(run)
            ownText(run)
          }
          const site = await open(framework, { cache: { store, ttl: 60 }, handle })
          const all = await Promise.allSettled(Array.from({ length: 50 }, () => site.get('/a')))
          const good = all.filter(
            (each) => each.status === 'fulfilled' && /^run \d+$/.test(each.value.body),
          )
          assert.ok(good.length >= 49, `${good.length} were answered`)
        })
    })
  }
}

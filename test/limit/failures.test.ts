import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import type { Store } from '../../lib/index.ts'
import { type App, type Exchange, frameworks, type Mounts, type Native } from '../support/apps.ts'
import { type LimiterApp, limiterApps } from '../support/limiter-apps.ts'
import { rawResponse } from '../support/model-app.ts'
import { bothProviders } from '../support/stores.ts'

type Limit = NonNullable<Mounts['limit']>

const failing: Readonly<Record<string, () => never>> = {
  'throws an Error': () => {
    throw new Error('no')
  },
  'rejects with an Error': () => Promise.reject(new Error('no')) as never,
  'rejects with text': () => Promise.reject('no') as never,
  'rejects with nothing': () => Promise.reject() as never,
}

for (const stores of bothProviders()) {
  for (const framework of frameworks) {
    describe(`functions that fail, on ${framework.name} over ${stores.name}`, () => {
      let store: Store
      let app: App | undefined
      let handled: number

      before(() => stores.start())
      beforeEach(async () => {
        store = await stores.empty()
        handled = 0
      })
      afterEach(async () => {
        await app?.close()
        app = undefined
      })
      after(() => stores.stop())

      async function serve(
        limit: Limit,
        handle: (exchange: Exchange) => unknown = ({ send }) => send(200, 'ok'),
      ): Promise<(headers?: Record<string, string>) => Promise<Response>> {
        app = await framework.serve({ limit: { store, ...limit } }, (exchange) => {
          handled += 1
          return handle(exchange)
        })
        const { url } = app
        return (headers = {}) => fetch(url, { headers })
      }

      for (const [how, fail] of Object.entries(failing)) {
        const other = { name: 'other', limit: 5 }
        for (const [name, limit] of Object.entries({
          limit: { limits: [other, { name: 'one', limit: fail }] },
          cost: { limits: [other, { name: 'one', limit: 5, cost: fail }] },
          key: { limits: [other, { name: 'one', limit: 5, key: fail }] },
          skip: { limits: [other], skip: fail },
        } satisfies Record<string, Limit>)) {
          it(`${name} that ${how} is an error of the request, and charges nothing`, async () => {
            const call = await serve(limit)
            const { status } = await call()
            assert.deepEqual([status, handled], [500, 0])
            assert.deepEqual(await store.keys('*'), [])
          })
        }
      }

      for (const limit of [-1, 1.5, Number.NaN, '5', null, undefined, 1e15]) {
        it(`a limit function that gives ${limit} is an error, and charges nothing`, async () => {
          const call = await serve({ limits: [{ name: 'plan', limit: () => limit as number }] })
          assert.deepEqual([(await call()).status, handled], [500, 0])
          assert.deepEqual(await store.keys('*'), [])
        })
      }

      for (const key of ['', undefined, Number.NaN, 1.5, {}, [], '\ud800', true, Symbol('s')]) {
        it(`a key function that gives ${String(key) || 'nothing'} shares no budget`, async () => {
          const call = await serve({ limit: 1, key: () => key as string })
          const { status } = await call()
          assert.ok(status === 400 || status === 500, `${status}`)
          assert.equal(handled, 0)
          assert.deepEqual(await store.keys('*'), [])
        })
      }

      it('a key of control characters, colons and braces stands for itself', async () => {
        const key = (native: Native) => decodeURIComponent(native.get('x-key') ?? '')
        const call = await serve({ limit: 1, key })
        const keys = [':*{}\n', ':*{}', '\r\n', '{a}:b', '{a}', '\u0000', '-1']
        for (const status of [200, 429]) {
          for (const each of keys)
            assert.equal((await call({ 'x-key': encodeURIComponent(each) })).status, status, each)
        }
        assert.ok(
          (await store.keys('*')).every((each) => /^limit:\{key~[^{}*\s]+\}:\S+$/.test(each)),
        )
      })

      it('the plan is asked each time, and decides at once', async () => {
        const plans: Record<string, number> = { ann: 1 }
        const seen: string[] = []
        const call = await serve({
          limits: [
            {
              name: 'plan',
              key: 'user',
              limit: async (native, partition) => {
                await sleep(1)
                seen.push(partition)
                return plans[native.get('x-user') ?? ''] ?? 0
              },
            },
          ],
        })
        const ann = { 'x-user': 'ann' }
        assert.equal((await call(ann)).status, 200)
        assert.equal((await call(ann)).status, 429)
        plans['ann'] = 3
        const raised = await call(ann)
        assert.equal(raised.status, 200)
        assert.match(raised.headers.get('ratelimit-policy') ?? '', /"plan";q=3;w=60/)
        plans['ann'] = 1
        const lowered = await call(ann)
        assert.equal(lowered.status, 429)
        assert.match(lowered.headers.get('ratelimit') ?? '', /"plan";r=0/)
        plans['ann'] = Number.POSITIVE_INFINITY
        const free = await call(ann)
        assert.deepEqual([free.status, free.headers.get('ratelimit')], [200, null])
        plans['ann'] = 0
        assert.equal((await call(ann)).status, 429)
        assert.deepEqual([...new Set(seen)], ['user~ann'])
      })
    })
  }

  describe(`windows that are no whole seconds, over ${stores.name}`, () => {
    before(() => stores.start())
    after(() => stores.stop())

    it('are over when they are over', async () => {
      const store = await stores.empty()
      const rules = ['500ms', '1500ms', 1.5].flatMap((window, at) =>
        (['sliding', 'fixed', 'gcra'] as const).map((algorithm) => ({
          ms: at === 0 ? 500 : 1500,
          rule: { name: `${algorithm}-${at}`, limit: 1, window, algorithm },
        })),
      )
      const lasting = await Promise.all(
        rules.map(async ({ rule, ms }) => {
          const { limiter, close } = await limiterApps.express({ store, limits: [rule] })
          const began = performance.now()
          assert.equal((await limiter.check('ann')).allowed, true)
          const first = performance.now()
          const early = await limiter.check('ann')
          const second = performance.now()
          // A machine that is slow enough is refused nothing, and has then begun a window anew.
          assert.equal(early.allowed && second - began < ms, false, rule.name)
          await sleep((early.allowed ? second : first) + ms + 5 - performance.now())
          assert.equal((await limiter.check('ann')).allowed, true, rule.name)
          await close()
          const keys = (await store.keys('limit:*')).filter((key) => key.includes(rule.name))
          return Promise.all(keys.map((key) => store.ttl(key)))
        }),
      )
      for (const ttl of lasting.flat()) assert.ok(ttl === undefined || ttl <= 3, `${ttl}`)
    })
  })
}

/** What a client sees of each of these requests, without what differs from run to run. */
async function transcript(app: LimiterApp): Promise<unknown[]> {
  const seen: unknown[] = []
  const requests: Record<string, string>[] = [
    {},
    { 'x-user': 'ann' },
    { 'x-user': 'ann', 'x-cost': '60' },
    { 'x-user': 'ann', 'x-cost': '60' },
    { 'x-user': 'ann', 'x-cost': '101' },
    { 'x-user': 'ann', 'x-cost': '-1' },
    { 'x-user': 'ann', 'x-cost': '1.5' },
    { 'x-user': 'x'.repeat(200) },
    { 'x-forwarded-for': '::ffff:203.0.113.7' },
    { 'x-forwarded-for': '203.0.113.7' },
    { 'x-forwarded-for': '203.0.113.7' },
    { 'x-forwarded-for': '203.0.113.7' },
    { 'x-skip': '1' },
  ]
  for (const headers of requests) {
    for (const method of ['GET', 'HEAD']) {
      const answer = await fetch(app.url, { method, headers })
      const fields = Object.fromEntries(
        [...answer.headers].filter(([name]) => /^(x-)?ratelimit|^retry-after|^cache-c/.test(name)),
      )
      // Seconds go by, and a date is one of them.
      const steady = JSON.stringify(fields).replaceAll(
        /(t=|reset[^"]*":"|after":")[\d.hms]+/g,
        '$1',
      )
      const text = await answer.text()
      seen.push([answer.status, steady, answer.ok || answer.status === 429 ? text : ''])
    }
  }
  return seen
}

for (const stores of bothProviders()) {
  describe(`what clients see over ${stores.name}`, () => {
    before(() => stores.start())
    after(() => stores.stop())

    it('is the same on Express and Koa', async () => {
      const found = []
      for (const framework of ['express', 'koa'] as const) {
        const app = await limiterApps[framework]({
          store: await stores.empty(),
          headers: ['draft-11', 'legacy', 'openai'],
          skip: (native) => native.get('x-skip') === '1',
          limits: [
            { name: 'rpm', limit: 3 },
            {
              name: 'tokens',
              limit: 100,
              unit: 'tokens',
              cost: (native) => Number(native.get('x-cost') || 1),
            },
            { name: 'burst', limit: 9, window: '500ms', algorithm: 'gcra', mode: 'shadow' },
            { name: 'at-once', limit: 5, algorithm: 'concurrency' },
          ],
        })
        found.push(await transcript(app))
        await app.close()
      }
      const statuses = (found[0] ?? []).map((each) => (each as [number])[0])
      assert.ok(
        [200, 429, 500].every((status) => statuses.includes(status)),
        `${statuses}`,
      )
      assert.deepEqual(found[0], found[1])
    })
  })
}

for (const framework of frameworks) {
  describe(`a response that has begun before a limit, on ${framework.name}`, () => {
    it('is none that a limit can refuse, and all others go on', async () => {
      const [stores] = bothProviders()
      await stores?.start()
      const store = await stores?.empty()
      assert.ok(store)
      const skip = (native: Native) => {
        if (native.get('x-begun') === '1') {
          const { res } = native as unknown as { res: Parameters<typeof rawResponse>[0]['target'] }
          const raw = rawResponse({ target: 'res' in res ? res : (res as never) } as Exchange)
          raw.writeHead(200)
          raw.write('begun')
        }
        return false
      }
      const app = await framework.serve({ limit: { store, limit: 1, skip } }, (exchange) => {
        const raw = rawResponse(exchange)
        if (raw.headersSent) raw.end(' and done')
        else raw.end('ok')
      })
      const begun = { 'x-begun': '1' }
      assert.equal(await (await fetch(app.url, { headers: begun })).text(), 'begun and done')
      const cut = new AbortController()
      const refused = await fetch(app.url, { headers: begun, signal: cut.signal })
      assert.equal(refused.status, 200)
      cut.abort()
      assert.equal((await fetch(app.url)).status, 429)
      await app.close()
      await stores?.stop()
    })
  })
}

import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { parseList } from 'structured-headers'
import type { Store } from '../../lib/index.ts'
import { type App, frameworks, type Mounts, type Native } from '../support/apps.ts'
import { limitFields } from '../support/limit-fields.ts'
import { testStores } from '../support/stores.ts'

type Limit = NonNullable<Mounts['limit']>

const byKey = (native: Native) => native.get('x-key') ?? 'anyone'

for (const stores of testStores()) {
  for (const framework of frameworks) {
    describe(`rate limit on ${framework.name} over ${stores.name}`, () => {
      let store: Store
      let app: App | undefined
      let handled = 0

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
        mounts: Mounts = {},
      ): Promise<(headers?: Record<string, string>) => Promise<Response>> {
        app = await framework.serve({ ...mounts, limit: { store, ...limit } }, (exchange) => {
          handled += 1
          exchange.send(200, JSON.stringify(exchange.rateLimit))
        })
        const { url } = app
        return async (headers = {}) => {
          const answer = await fetch(url, { headers })
          limitFields(answer)
          return answer
        }
      }

      async function statuses(
        call: (headers?: Record<string, string>) => Promise<Response>,
        requests: readonly Record<string, string>[],
      ): Promise<number[]> {
        const seen: number[] = []
        for (const headers of requests) seen.push((await call(headers)).status)
        return seen
      }

      it('answers 429 above the limit, without running the handler', async () => {
        const call = await serve({ limit: 2, window: '1m' })
        assert.deepEqual(await statuses(call, [{}, {}, {}]), [200, 200, 429])
        assert.equal(handled, 2)
      })

      it('says what stands in fields that parse as RFC 9651 lists', async () => {
        const call = await serve({
          limits: [
            { name: 'rpm', limit: 60, window: '1m' },
            { name: 'tokens', limit: 1000, window: '1h', cost: 10, unit: 'tokens' },
            { name: 'burst', limit: 5, window: '500ms' },
          ],
        })
        const { headers } = await call()
        assert.equal(
          headers.get('ratelimit-policy'),
          '"rpm";q=60;w=60, "tokens";q=1000;w=3600;memoryware-unit="tokens", "burst";q=5',
        )
        const state = parseList(headers.get('ratelimit') ?? '')
        assert.deepEqual(
          state.map(([name, parameters]) => [name, parameters.get('r')]),
          [
            ['rpm', 59],
            ['tokens', 990],
            ['burst', 4],
          ],
        )
        for (const [, parameters] of state) assert.ok(Number.isInteger(parameters.get('t')))
      })

      it('answers with problem details and when to come again', async () => {
        const call = await serve({ limit: 1, window: '2s' })
        await call()
        const refused = await call()
        assert.equal(refused.headers.get('content-type'), 'application/problem+json')
        assert.equal(refused.headers.get('cache-control'), 'no-store')
        const wait = Number(refused.headers.get('retry-after'))
        const [state] = parseList(refused.headers.get('ratelimit') ?? '')
        assert.ok(wait >= 1 && wait <= 2 && wait >= Number(state?.[1].get('t')))
        assert.deepEqual(await refused.json(), {
          type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
          title: 'Request cannot be satisfied as assigned quota has been exceeded',
          status: 429,
          'violated-policies': ['1-per-2s'],
        })
      })

      it('passes who waits as long as Retry-After says', async () => {
        const call = await serve({ limit: 1, window: '1s' })
        await call()
        const refused = await call()
        await sleep(Number(refused.headers.get('retry-after')) * 1000)
        assert.equal((await call()).status, 200)
      })

      it('refuses everything at limit 0, without saying when to come again', async () => {
        const call = await serve({ limit: 0, window: '1m' })
        const refused = await call()
        assert.equal(refused.status, 429)
        assert.equal(refused.headers.get('retry-after'), null)
      })

      it('does not count at limit Infinity', async () => {
        const call = await serve({ limit: Number.POSITIVE_INFINITY, window: '1m' })
        const answer = await call()
        assert.equal(answer.headers.get('ratelimit'), null)
        assert.deepEqual(await answer.json(), { limits: {}, degraded: false })
      })

      it('counts each key apart', async () => {
        const call = await serve({ limit: 1, window: '1m', key: byKey })
        const [a, b] = [{ 'x-key': 'a' }, { 'x-key': 'b' }]
        assert.deepEqual(await statuses(call, [a, a, b]), [200, 429, 200])
      })

      it('lets pass where the key function gives null', async () => {
        const call = await serve({ limit: 1, window: '1m', key: () => null })
        assert.deepEqual(await statuses(call, [{}, {}, {}]), [200, 200, 200])
      })

      it('is an error where the key function gives nothing', async () => {
        const call = await serve({ limit: 1, window: '1m', key: () => undefined as never })
        assert.equal((await call()).status, 500)
      })

      it('counts users, and addresses where nobody is signed in', async () => {
        const call = await serve({ limit: 1, window: '1m' })
        const [ann, bob] = [{ 'x-user': 'ann' }, { 'x-user': 'bob' }]
        assert.deepEqual(await statuses(call, [ann, bob, {}, ann, {}]), [200, 200, 200, 429, 429])
      })

      it('never takes an address for a user of that name', async () => {
        const call = await serve({ limit: 1, window: '1m' })
        assert.deepEqual(await statuses(call, [{}, { 'x-user': '127.0.0.1' }]), [200, 200])
      })

      it('counts a guest by address, whatever cookie comes', async () => {
        const call = await serve({ limit: 1, window: '1m' }, { memory: { store }, signIn: false })
        const cookie = (n: number) => ({ cookie: `memoryware.guest=${String(n).padEnd(22, 'x')}` })
        assert.deepEqual(await statuses(call, [cookie(1), cookie(2)]), [200, 429])
      })

      it('ignores X-Forwarded-For from a proxy that is not trusted', async () => {
        const call = await serve({ limit: 1, window: '1m' })
        const from = (n: number) => ({ 'x-forwarded-for': `203.0.113.${n}` })
        assert.deepEqual(await statuses(call, [from(1), from(2)]), [200, 429])
      })

      it('counts a /56 of IPv6 as one client, and a mapped IPv4 as that IPv4', async () => {
        const call = await serve({ limit: 1, window: '1m' }, { trustProxy: true })
        const from = (address: string) => ({ 'x-forwarded-for': address })
        const requests = [
          from('2001:db8:1:2200::1'),
          from('2001:db8:1:22ff:ffff::2'),
          from('2001:db8:1:2300::1'),
          from('::ffff:203.0.113.7'),
          from('203.0.113.7'),
          from('::ffff:203.0.113.8'),
        ]
        assert.deepEqual(await statuses(call, requests), [200, 429, 200, 200, 429, 200])
      })

      it('charges all rules or none', async () => {
        const call = await serve({
          limits: [
            { name: 'second', limit: 1, window: '10s' },
            { name: 'minute', limit: 5, window: '1m' },
          ],
        })
        assert.deepEqual(await statuses(call, [{}, {}, {}, {}]), [200, 429, 429, 429])
        const refused = await call()
        const state = parseList(refused.headers.get('ratelimit') ?? '')
        assert.equal(state[1]?.[1].get('r'), 4)
        const body = (await refused.json()) as { 'violated-policies': string[] }
        assert.deepEqual(body['violated-policies'], ['second'])
      })

      for (const algorithm of ['sliding', 'fixed'] as const) {
        it(`charges nothing for a refused cost (${algorithm})`, async () => {
          const cost = (native: Native) => Number(native.get('x-cost'))
          const call = await serve({ limits: [{ limit: 100, window: '1m', cost, algorithm }] })
          const of = (n: number) => ({ 'x-cost': String(n) })
          assert.deepEqual(
            await statuses(call, [of(60), of(60), of(40), of(1)]),
            [200, 429, 200, 429],
          )
        })

        it(`passes exactly the limit of many at once (${algorithm})`, async () => {
          const call = await serve({ limits: [{ limit: 100, window: '1m', algorithm }] })
          const answers = await Promise.all(Array.from({ length: 300 }, () => call()))
          assert.equal(answers.filter(({ status }) => status === 200).length, 100)
        })

        it(`opens again after the window (${algorithm})`, async () => {
          const call = await serve({ limits: [{ limit: 2, window: '400ms', algorithm }] })
          assert.deepEqual(await statuses(call, [{}, {}, {}]), [200, 200, 429])
          await sleep(450)
          assert.deepEqual(await statuses(call, [{}, {}, {}]), [200, 200, 429])
        })
      }

      // The store keeps the time: one framework tells.
      const edge = framework.name === 'express' ? it : undefined
      edge?.('passes at most the limit in any window, also across an edge', async () => {
        const call = await serve({ limit: 100, window: '2s' })
        const passed: number[] = []
        const burst = (count: number) =>
          Promise.all(
            Array.from({ length: count }, async () => {
              if ((await call()).status === 200) passed.push(performance.now())
            }),
          )
        // A window that began with the first request would end between the two bursts.
        await burst(1)
        await sleep(1750)
        await burst(99)
        await sleep(350)
        await burst(100)
        for (const start of passed) {
          const inWindow = passed.filter((at) => at >= start && at < start + 1900)
          assert.ok(inWindow.length <= 100, `${inWindow.length} in a window`)
        }
        assert.ok(passed.length >= 100)
      })

      it('asks the plan for the limit', async () => {
        const limit = (native: Native) => (native.get('x-plan') === 'pro' ? 3 : 1)
        const call = await serve({ limits: [{ name: 'plan', limit, window: '1m', key: byKey }] })
        const [free, pro] = [{ 'x-key': 'f' }, { 'x-key': 'p', 'x-plan': 'pro' }]
        assert.deepEqual(
          await statuses(call, [free, free, pro, pro, pro, pro]),
          [200, 429, 200, 200, 200, 429],
        )
      })

      for (const cost of [-1, 1.5, Number.NaN, '2', 2 ** 60]) {
        it(`is an error, never credit, at a cost of ${cost}`, async () => {
          const limits = [{ name: 'weighted', limit: 10, window: '1m', cost: () => cost as number }]
          const call = await serve({ limits })
          assert.equal((await call()).status, 500)
          assert.deepEqual(await store.keys('limit:*'), [])
        })
      }

      it('refuses a cost above the limit, without saying when to come again', async () => {
        const call = await serve({ limits: [{ limit: 10, window: '1m', cost: 11 }] })
        const refused = await call()
        assert.equal(refused.status, 429)
        assert.equal(refused.headers.get('retry-after'), null)
        assert.deepEqual(await store.keys('limit:*'), [])
      })

      it('tells how the other budgets stand where one can never pass', async () => {
        const cost = (native: Native) => Number(native.get('x-cost'))
        const call = await serve({
          limits: [
            { name: 'rpm', limit: 10, window: '1m' },
            { name: 'tokens', limit: 100, window: '1m', cost },
          ],
        })
        await call({ 'x-cost': '9' })
        const refused = await call({ 'x-cost': '101' })
        assert.equal(refused.status, 429)
        const state = parseList(refused.headers.get('ratelimit') ?? '')
        assert.deepEqual(
          state.map(([name, parameters]) => [name, parameters.get('r')]),
          [
            ['rpm', 9],
            ['tokens', 91],
          ],
        )
        assert.equal((await call({ 'x-cost': '91' })).status, 200)
      })

      it('refuses all the same where whoever is told of it fails', async () => {
        for (const onLimited of [
          () => {
            throw new Error('listener')
          },
          () => Promise.reject(new Error('listener')) as never,
        ]) {
          const name = `told-${Math.random().toString(36).slice(2)}`
          const call = await serve({ limits: [{ name, limit: 0 }], onLimited })
          assert.equal((await call()).status, 429)
          await app?.close()
        }
        app = undefined
      })

      it('takes no notice of a port behind the address', async () => {
        const call = await serve({ limit: 1, window: '1m' }, { trustProxy: true })
        const from = (address: string) => ({ 'x-forwarded-for': address })
        const requests = [
          from('203.0.113.9:5112'),
          from('203.0.113.9:5113'),
          from('203.0.113.10:5112'),
          from('[2001:db8:9::1]:443'),
          from('2001:db8:9::2'),
        ]
        assert.deepEqual(await statuses(call, requests), [200, 429, 200, 200, 429])
      })

      it('lets pass what is skipped, and tells of what it refuses', async () => {
        const told: string[][] = []
        const call = await serve({
          limit: 1,
          window: '1m',
          skip: (native) => native.get('x-skip') === '1',
          onLimited: (_native, { violated }) => told.push([...violated]),
        })
        assert.deepEqual(
          await statuses(call, [{ 'x-skip': '1' }, {}, {}, { 'x-skip': '1' }]),
          [200, 200, 429, 200],
        )
        assert.deepEqual(told, [['1-per-1m']])
      })

      it('gives handlers where the request stands', async () => {
        const call = await serve({ limits: [{ name: 'rpm', limit: 10, window: '1m', cost: 3 }] })
        const body = (await (await call()).json()) as { limits: { rpm: { reset: number } } }
        const { reset, ...rest } = body.limits.rpm
        assert.deepEqual(rest, { limit: 10, used: 3, remaining: 7 })
        assert.ok(reset >= 59 && reset <= 60)
      })

      it('sends no fields where they are turned off', async () => {
        const call = await serve({ limit: 1, window: '1m', headers: false })
        assert.equal((await call()).headers.get('ratelimit'), null)
      })

      it('gives every key a time to live', async () => {
        const call = await serve({
          limits: [
            { name: 'exact', limit: 5, window: '10s' },
            { name: 'buckets', limit: 500, window: '10s' },
            { name: 'fixed', limit: 5, window: '1500ms', algorithm: 'fixed' },
          ],
        })
        await call()
        const keys = await store.keys('limit:*')
        assert.equal(keys.length, 3)
        for (const key of keys) {
          const ttl = await store.ttl(key)
          assert.ok(ttl !== undefined && ttl > 0 && ttl < 12, `${key} ${ttl}`)
        }
      })

      for (const key of ['a:b', 'a{x}', '*', 'ü', '~', '%7E', 'x y']) {
        it(`counts the key ${JSON.stringify(key)} as itself`, async () => {
          const call = await serve({
            limit: 1,
            window: '1m',
            key: (native) => decodeURIComponent(native.get('x-key') ?? ''),
          })
          const field = { 'x-key': encodeURIComponent(key) }
          assert.deepEqual(
            await statuses(call, [field, field, { 'x-key': 'other' }]),
            [200, 429, 200],
          )
        })
      }

      it('answers 400 to a key that cannot name anything', async () => {
        const call = await serve({ limit: 1, window: '1m', key: byKey })
        assert.equal((await call({ 'x-key': 'k'.repeat(200) })).status, 400)
      })
    })
  }
}

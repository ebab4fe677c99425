import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, it } from 'mocha'
import { type LimiterApp, type limiterApps, servedLimiters } from '../support/limiter-apps.ts'
import { bothProviders } from '../support/stores.ts'

type Options = Parameters<(typeof limiterApps)['express']>[0]

for (const stores of bothProviders()) {
  for (const framework of ['express', 'koa'] as const) {
    describe(`a limiter outside requests on ${framework} over ${stores.name}`, () => {
      const limiters = servedLimiters(stores, framework)
      async function serve(options: Options): Promise<{
        readonly limiter: LimiterApp['limiter']
        call(headers?: Record<string, string>): Promise<number>
      }> {
        const served = await limiters.serve(options)
        const call = async (headers: Record<string, string> = {}) =>
          (await fetch(served.url, { headers })).status
        return { limiter: served.limiter, call }
      }

      const from = (address: string) => ({ 'x-forwarded-for': address })

      it('counts a user in the budget of her requests', async () => {
        const { limiter, call } = await serve({ limit: 2 })
        assert.equal((await limiter.check('ann')).allowed, true)
        assert.equal(await call({ 'x-user': 'ann' }), 200)
        assert.equal((await limiter.check({ user: 'ann' })).allowed, false)
        assert.equal(await call({ 'x-user': 'ann' }), 429)
        assert.equal((await limiter.check('bob')).allowed, true)
      })

      for (const [same, address, other] of [
        ['203.0.113.7', '::ffff:203.0.113.7', '203.0.113.8'],
        ['2001:db8:1:2200::1', '2001:db8:1:22ff:ffff::2', '2001:db8:1:2300::1'],
        ['203.0.113.7', '203.0.113.7:5112', '203.0.113.8'],
      ] as const) {
        it(`counts ${address} in the budget of the requests of ${same}`, async () => {
          const { limiter, call } = await serve({ limit: 2 })
          assert.equal(await call(from(same)), 200)
          assert.equal((await limiter.check({ ip: address })).allowed, true)
          assert.equal(await call(from(same)), 429)
          assert.equal((await limiter.check({ ip: other })).allowed, true)
        })
      }

      it('never takes a user for an address, or for a key of that name', async () => {
        const { limiter } = await serve({
          limits: [
            { name: 'any', limit: 1 },
            { name: 'own', limit: 1, key: (native) => native.get('x-key') ?? null },
          ],
        })
        assert.equal((await limiter.check({ user: '203.0.113.7' })).allowed, true)
        assert.equal((await limiter.check({ ip: '203.0.113.7' })).allowed, true)
        assert.equal((await limiter.check({ key: '203.0.113.7' })).allowed, true)
        assert.equal((await limiter.check({ ip: '203.0.113.7' })).allowed, false)
      })

      it('applies each rule to what it counts, and only that', async () => {
        const { limiter, call } = await serve({
          limits: [
            { name: 'user', limit: 9, key: 'user' },
            { name: 'ip', limit: 9, key: 'ip' },
            { name: 'all', limit: 9, key: 'global' },
          ],
        })
        assert.equal(await call({ 'x-user': 'ann', ...from('203.0.113.7') }), 200)
        const { limits } = await limiter.check({ user: 'ann', ip: '203.0.113.7' })
        assert.deepEqual(
          Object.entries(limits).map(([name, { used }]) => [name, used]),
          [
            ['user', 2],
            ['ip', 2],
            ['all', 2],
          ],
        )
        assert.deepEqual(Object.keys((await limiter.check({ ip: '203.0.113.8' })).limits), [
          'ip',
          'all',
        ])
      })

      for (const key of ['', undefined, Number.NaN, 1.5, '\ud800', 'x'.repeat(200)]) {
        it(`refuses ${JSON.stringify(key) ?? 'nothing'} as a key`, async () => {
          const { limiter } = await serve({ limit: 2 })
          for (const ask of [limiter.check, limiter.peek, limiter.reset]) {
            await assert.rejects(ask(key as string), { code: 'ERR_USAGE' })
          }
          await assert.rejects(limiter.block(key as string, '1s'))
          assert.deepEqual(await limiters.store.keys('*'), [])
        })
      }

      for (const key of ['a:b', 'a{x}', '*', 'a\nb', '~%7E', '\u0000']) {
        it(`counts ${JSON.stringify(key)} as itself`, async () => {
          const { limiter } = await serve({ limit: 1 })
          assert.equal((await limiter.check(key)).allowed, true)
          assert.equal((await limiter.check(key)).allowed, false)
          assert.equal((await limiter.check('other')).allowed, true)
          await limiter.reset(key)
          assert.equal((await limiter.check(key)).allowed, true)
          assert.equal((await limiter.check('other')).allowed, false)
        })
      }

      const budgets: Options = {
        limits: [
          { name: 'rpm', limit: 10 },
          { name: 'tpm', limit: 100, unit: 'tokens', cost: 20 },
        ],
      }

      it('costs what the rules say, or one number, or each its own', async () => {
        const { limiter } = await serve(budgets)
        const used = async (cost?: number | Record<string, number>) => {
          const { limits } = await limiter.check('ann', cost === undefined ? {} : { cost })
          return [limits['rpm']?.used, limits['tpm']?.used]
        }
        assert.deepEqual(await used(), [1, 20])
        assert.deepEqual(await used(30), [2, 50])
        assert.deepEqual(await used({ rpm: 2, tpm: 5 }), [4, 55])
        assert.deepEqual(await used({ tpm: 0 }), [5, 55])
      })

      for (const cost of [-1, 1.5, Number.NaN, '2', { tpm: -1 }, { tmp: 1 }, null]) {
        it(`refuses a cost of ${JSON.stringify(cost)}`, async () => {
          const { limiter } = await serve(budgets)
          const options = { cost: cost as number }
          await assert.rejects(limiter.check('ann', options), { code: 'ERR_USAGE' })
          assert.deepEqual(await limiters.store.keys('*'), [])
        })
      }

      it('peeks without taking anything', async () => {
        const { limiter, call } = await serve({ limit: 1 })
        for (let n = 0; n < 3; n += 1) assert.equal((await limiter.peek('ann')).allowed, true)
        assert.deepEqual(await limiters.store.keys('*'), [])
        assert.equal(await call({ 'x-user': 'ann' }), 200)
        assert.equal((await limiter.peek('ann')).allowed, false)
        assert.equal((await limiter.peek('ann')).limits['1-per-1m']?.remaining, 0)
      })

      it('hands out what settles, once, and what gives back', async () => {
        const { limiter } = await serve(budgets)
        const one = await limiter.check('ann', { cost: 80 })
        await Promise.all([one.settle({ tpm: 20 }), one.settle({ tpm: 20 })])
        assert.deepEqual([one.limits['tpm']?.used, one.limits['tpm']?.remaining], [20, 80])
        const two = await limiter.check('ann', { cost: 80 })
        assert.equal(two.allowed, true)
        await two.release()
        await two.release()
        const three = await limiter.check('ann', { cost: 1 })
        assert.equal(three.limits['tpm']?.used, 21)
        assert.equal(
          await three.settleUsage({ usage: { input_tokens: 3, output_tokens: 4 } }),
          true,
        )
        assert.equal(three.limits['tpm']?.used, 27)
        await assert.rejects(three.settle({ tmp: 1 }), { code: 'ERR_USAGE' })
        assert.equal((await limiter.check('ann', { cost: 73 })).allowed, true)
        const refused = await limiter.check('ann', { cost: 1 })
        assert.deepEqual([refused.allowed, refused.violated], [false, ['tpm']])
        await refused.settle({ tpm: 50 })
        await refused.release()
        assert.equal((await limiter.peek('ann', { cost: 0 })).limits['tpm']?.used, 100)
      })

      it('does not hold a slot again that is released, however long others are held', async () => {
        const rule = { name: 'slots', limit: 2, algorithm: 'concurrency' as const, lease: '1s' }
        const { limiter } = await serve({ limits: [rule] })
        const [held, freed] = [await limiter.check('ann'), await limiter.check('ann')]
        await freed.release()
        await sleep(800)
        assert.equal((await limiter.peek('ann')).limits['slots']?.used, 1)
        await held.release()
      })

      it('holds a slot until it is released', async () => {
        const { limiter } = await serve({
          limits: [{ name: 'jobs', limit: 1, algorithm: 'concurrency' }],
        })
        const held = await limiter.check('ann')
        assert.deepEqual([held.allowed, (await limiter.check('ann')).allowed], [true, false])
        await held.release()
        const next = await limiter.check('ann')
        assert.equal(next.allowed, true)
        await held.release()
        assert.equal((await limiter.check('ann')).allowed, false)
        await next.release()
      })

      it('leaves what counts all together alone where one is blocked or reset', async () => {
        const { limiter, call } = await serve({
          limits: [
            { name: 'own', limit: 5, key: 'user' },
            { name: 'all', limit: 5, key: 'global' },
          ],
        })
        await limiter.check('ann')
        await limiter.reset('ann')
        const { limits } = await limiter.peek('bob')
        assert.deepEqual([limits['own']?.used, limits['all']?.used], [0, 1])
        await limiter.block('ann', '1m')
        assert.equal(await call({ 'x-user': 'ann' }), 429)
        assert.equal(await call({ 'x-user': 'bob' }), 200)
      })

      it('blocks all where there is no other rule', async () => {
        const { limiter, call } = await serve({ limits: [{ limit: 5, key: 'global' }] })
        await limiter.block('whoever', '1m')
        assert.equal(await call({ 'x-user': 'bob' }), 429)
      })

      it('refuses an address that is none', async () => {
        const { limiter } = await serve({ limits: [{ limit: 5, key: 'ip' }] })
        for (const ip of ['ann', '', '300.1.1.1'])
          await assert.rejects(limiter.check({ ip }), { code: 'ERR_USAGE' })
      })

      it('tells of usage only where a rule counts tokens', async () => {
        const { limiter } = await serve({ limit: 5 })
        const checked = await limiter.check('ann')
        const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 }
        assert.equal(await checked.settleUsage(usage), false)
      })

      it('blocks requests for a while, and a reset lifts it', async () => {
        const { limiter, call } = await serve({ limit: 5 })
        assert.equal(await call({ 'x-user': 'ann' }), 200)
        await limiter.block('ann', '1m')
        assert.equal(await call({ 'x-user': 'ann' }), 429)
        const { blocked, retryAfter } = await limiter.check('ann')
        assert.deepEqual(blocked, ['5-per-1m'])
        assert.ok(retryAfter !== undefined && retryAfter > 55 && retryAfter <= 60)
        assert.equal(await call({ 'x-user': 'bob' }), 200)
        await limiter.reset('ann')
        const { limits } = await limiter.check('ann')
        assert.equal(limits['5-per-1m']?.used, 1)
      })
    })
  }
}

import { deepEqual, ok } from 'node:assert/strict'
import { after, before, describe, it } from 'mocha'
import { rateLimit } from '../../middleware/koa.ts'
import { bothProviders } from '../support/stores.ts'

for (const stores of bothProviders()) {
  describe(`refusals over ${stores.name}`, () => {
    before(() => stores.start())
    after(() => stores.stop())

    it('lead to a block also where another rule is known to refuse', async () => {
      const limit = rateLimit({
        store: await stores.empty(),
        limits: [
          { name: 'few', limit: 1, window: '1m' },
          { name: 'strict', limit: 1, window: '1m', block: { after: 2, for: '30s' } },
        ],
      })
      const blocked: (readonly string[])[] = []
      for (let time = 1; time <= 4; time += 1) blocked.push((await limit.check('ann')).blocked)
      deepEqual(blocked, [[], [], ['strict'], ['strict']])
    })

    const fewAndTokens = [
      { name: 'few', limit: 2, window: '1m' },
      { name: 'tokens', limit: 100, window: '1d', unit: 'tokens' },
    ]

    it('of one cost do not tell what another has to wait for', async () => {
      const limit = rateLimit({ store: await stores.empty(), limits: fewAndTokens })
      await limit.check('ann', { cost: { few: 2, tokens: 50 } })
      const both = await limit.check('ann', { cost: { few: 1, tokens: 60 } })
      const one = await limit.check('ann', { cost: { few: 1, tokens: 5 } })
      deepEqual([both.violated, one.violated], [['few', 'tokens'], ['few']])
      ok((one.retryAfter ?? 0) <= 65, `waits ${one.retryAfter} s`)
    })

    it('say how long a larger cost has to wait', async () => {
      const rule = { name: 'slow', limit: 10, window: '100s', algorithm: 'gcra' } as const
      const limit = rateLimit({ store: await stores.empty(), limits: [rule] })
      await limit.check('ann', { cost: 10 })
      const waits: (number | undefined)[] = []
      for (const cost of [1, 8]) waits.push((await limit.check('ann', { cost })).retryAfter)
      deepEqual(waits, [10, 80])
    })

    it('are for ever where the cost is above another limit', async () => {
      const limit = rateLimit({ store: await stores.empty(), limits: fewAndTokens })
      await limit.check('ann', { cost: { few: 2, tokens: 1 } })
      await limit.check('ann', { cost: { few: 1, tokens: 1 } })
      const { remembered, violated, retryAfter } = await limit.check('ann', {
        cost: { few: 1, tokens: 101 },
      })
      deepEqual([remembered, violated, retryAfter], [true, ['few', 'tokens'], undefined])
    })
  })
}

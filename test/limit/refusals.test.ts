import { deepEqual } from 'node:assert/strict'
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
  })
}

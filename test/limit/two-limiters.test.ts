import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'mocha'
import { parseList } from 'structured-headers'
import type { Store } from '../../lib/index.ts'
import { limiterApps } from '../support/limiter-apps.ts'
import { bothProviders } from '../support/stores.ts'

const ann = { 'x-user': 'ann' }

for (const stores of bothProviders()) {
  for (const framework of ['express', 'koa'] as const) {
    describe(`two limiters on ${framework} over ${stores.name}`, () => {
      let store: Store

      before(() => stores.start())
      beforeEach(async () => {
        store = await stores.empty()
      })
      after(() => stores.stop())

      it('of different rules count one client apart, and tell of both', async () => {
        const app = await limiterApps[framework](
          { store, limits: [{ name: 'minute', limit: 5, window: '1m' }] },
          { store, limits: [{ name: 'hour', limit: 5, window: '1h', algorithm: 'fixed' }] },
        )
        const { headers } = await fetch(app.url, { headers: ann })
        assert.deepEqual(
          parseList(headers.get('ratelimit') ?? '').map(([name, all]) => [name, all.get('r')]),
          [
            ['hour', 4],
            ['minute', 4],
          ],
        )
        await app.limiter.reset('ann')
        const after = await fetch(app.url, { headers: ann })
        assert.deepEqual(
          parseList(after.headers.get('ratelimit') ?? '').map(([, all]) => all.get('r')),
          [3, 4],
        )
        await app.close()
      })
    })
  }
}

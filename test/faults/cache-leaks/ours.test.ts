import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import type { Store } from '../../../lib/index.ts'
import { counting } from '../../cache/pairs.ts'
import { closeSites, fact, frameworks } from '../../cache/site.ts'
import { bothProviders } from '../../support/stores.ts'
import { cases } from './cases.ts'
import { leaks } from './script.ts'

for (const provider of bothProviders()) {
  for (const framework of frameworks) {
    describe(`cacheResponse on ${framework} and ${provider.name} never gives away`, () => {
      let store: Store

      before(async () => {
        await provider.start()
        store = await provider.empty()
      })
      afterEach(closeSites)
      after(provider.stop)

      /** What was written on its connection before this is there after it. */
      const settled = async () => {
        for (let turns = 0; turns < 5; turns += 1) await turn()
        await store.get('anything')
      }

      for (const leakCase of cases) {
        it(leakCase.says, async () => {
          const trial = { framework, plan: { cache: { store } }, settled, patienceMs: 8000 }
          assert.equal(await leaks(leakCase, trial), false)
        })
      }
    })

    describe(`cacheResponse on ${framework} and ${provider.name} does cache`, () => {
      before(provider.start)
      afterEach(closeSites)
      after(provider.stop)

      it('what nobody is hurt by', async () => {
        const store = await provider.empty()
        const { get } = await counting(framework, { cache: { store, ttl: 60 } })
        await get('/a')
        assert.match(fact(await get('/a')), /hit/)
      })
    })
  }
}

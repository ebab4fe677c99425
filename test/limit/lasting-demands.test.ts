import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import type { Charge } from '../../lib/ports/budgets.ts'
import type { Provider } from '../../lib/ports/provider.ts'
import { embeddedProvider } from '../../lib/providers/embedded/provider.ts'
import { type App, frameworks, type Mounts } from '../support/apps.ts'

type Limit = NonNullable<Mounts['limit']>

for (const framework of frameworks) {
  describe(`what a caller asks of a limit again and again, on ${framework.name}`, () => {
    let store: Store
    let app: App | undefined
    let asked: readonly Charge[]
    let charging: (charge: Charge) => void

    beforeEach(() => {
      asked = []
      charging = (charge) => {
        asked = [...asked, charge]
      }
      store = createStore({ provider: providerOf((charge) => charging(charge)) })
    })
    afterEach(async () => {
      await app?.close()
      await store.close()
    })

    async function serve(limit: Limit): Promise<(caller: string) => Promise<number>> {
      const mounts = { limit: { store, ...limit } }
      app = await framework.serve(mounts, ({ send }) => send(200, 'ok'))
      const { url } = app
      return async (caller) => (await fetch(url, { headers: { 'x-user': caller } })).status
    }

    it('is the same, and of another caller another', async () => {
      const ask = await serve({ limits: [{ name: 'hour', limit: 2, window: '1h' }] })
      for (const caller of ['ann', 'bob', 'ann']) assert.equal(await ask(caller), 200)
      const [first, other, again] = asked
      assert.deepEqual(again, first)
      assert.notEqual(other?.key, first?.key)
      assert.deepEqual([await ask('ann'), await ask('bob')], [429, 200])
    })

    it('is another of each rule and of each limiter', async () => {
      const window = '1h'
      const limits = [
        { name: 'one', limit: 5, window },
        { name: 'other', limit: 6, cost: 2, window },
      ] as const
      const ask = await serve({ limits })
      await ask('ann')
      await ask('ann')
      assert.deepEqual(
        asked.map(({ limit, cost }) => [limit, cost]),
        [
          [5, 1],
          [6, 2],
          [5, 1],
          [6, 2],
        ],
      )
    })

    it('takes a slot of its own for each request under way', async () => {
      const ask = await serve({ limits: [{ limit: 5, algorithm: 'concurrency' }] })
      await ask('ann')
      await ask('ann')
      assert.equal(new Set(asked.map(({ lease }) => lease)).size, 2)
    })

    it('cannot be changed for good by whoever counts it', async () => {
      const ask = await serve({ limits: [{ limit: 5, block: { after: 3, for: '1m' } }] })
      charging = (charge) => {
        asked = [...asked, { ...charge, block: charge.block && { ...charge.block } }]
        Reflect.set(charge, 'key', `${charge.key}:changed`)
        if (charge.block) Reflect.set(charge.block, 'key', `${charge.block.key}:changed`)
      }
      await ask('ann')
      await ask('ann')
      const [first, again] = asked
      assert.deepEqual(again, first)
    })
  })
}

/** Counts in this process, and tells what is charged. */
function providerOf(charging: (charge: Charge) => void): Provider {
  const { budgets, ...rest } = embeddedProvider()
  return {
    ...rest,
    name: 'own',
    budgets: {
      ...budgets,
      charge(charges, call) {
        for (const each of charges) charging(each)
        return budgets.charge(charges, call)
      },
    },
  }
}

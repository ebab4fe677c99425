import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import type { ErrorEvent } from '../../lib/telemetry.ts'
import { rateLimit } from '../../middleware/express.ts'
import { type App, frameworks } from '../support/apps.ts'

describe('a limit that is used wrongly', () => {
  let store: Store

  beforeEach(() => {
    store = createStore({ provider: 'embedded' })
  })
  afterEach(() => store.close())

  for (const amounts of [500, null, undefined, 'tpm', true, { tpm: '5' }, { tpm: undefined }]) {
    it(`is not settled at ${JSON.stringify(amounts)}, and says so`, async () => {
      const limit = rateLimit({ store, limits: [{ name: 'tpm', limit: 100 }] })
      const checked = await limit.check('ann')
      await assert.rejects(checked.settle(amounts as never), { code: 'ERR_USAGE' })
      assert.equal(checked.limits['tpm']?.used, 1)
    })
  }

  for (const cost of [null, '5', -1, Number.NaN, { tpm: null }]) {
    it(`charges no cost of ${JSON.stringify(cost)}`, async () => {
      const limit = rateLimit({ store, limits: [{ name: 'tpm', limit: 100 }] })
      await assert.rejects(limit.check('ann', { cost } as never), { code: 'ERR_USAGE' })
    })
  }

  for (const framework of frameworks) {
    describe(`on ${framework.name}`, () => {
      let app: App | undefined
      afterEach(() => app?.close())

      it('tells of a refundIf that answers later, and counts', async () => {
        const told = new Promise<ErrorEvent>((resolve) => {
          const listener = (event: unknown) => {
            unsubscribe('memoryware:error', listener)
            resolve(event as ErrorEvent)
          }
          subscribe('memoryware:error', listener)
        })
        const refundIf = (async () => {
          throw new Error('Nobody hears of this')
        }) as never
        const limits = [{ name: 'rpm', limit: 1, refundIf }]
        app = await framework.serve({ limit: { store, limits } }, (exchange) =>
          exchange.send(200, 'done'),
        )
        assert.equal((await fetch(app.url)).status, 200)
        assert.equal((await told).during, 'refundIf')
        assert.equal((await fetch(app.url)).status, 429)
      })
    })
  }
})

import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import express from 'express'
import Koa from 'koa'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import * as onExpress from '../../middleware/express.ts'
import * as onKoa from '../../middleware/koa.ts'
import type { RateLimitState } from '../../middleware/request-limits.ts'
import { type App, listen } from '../support/apps.ts'

const tokens = { name: 'tpm', limit: 100, cost: () => 10, unit: 'tokens', key: 'global' } as const
const requests = { name: 'rpm', limit: 1, key: 'global' } as const

for (const [name, made] of [
  ['express', expressApp],
  ['koa', koaApp],
] as const) {
  describe(`several limiters on ${name}`, () => {
    let store: Store
    let app: App | undefined

    beforeEach(() => {
      store = createStore({ provider: 'embedded' })
    })
    afterEach(async () => {
      await app?.close()
      await store.close()
    })

    it('keep no reservation of a request that one further in refuses', async () => {
      const { limiter, listener } = made(store, (rateLimit) => rateLimit.settle({ tpm: 3 }))
      app = await listen(listener)
      const statuses: number[] = []
      for (let n = 0; n < 4; n += 1) statuses.push((await fetch(app.url)).status)
      assert.deepEqual(statuses, [200, 429, 429, 429])
      const { limits } = await limiter.peek('all')
      assert.equal(limits['tpm']?.used, 3)
    })
  })
}

describe('several rules', () => {
  let asked = 0
  const options = {
    limits: [{ limit: 5 }, { limit: 9, window: '1h' }, { limit: 20, window: '1d' }],
    async user() {
      asked += 1
      return 'ann'
    },
  }

  for (const [name, listener] of [
    ['express', express().use(onExpress.rateLimit(fresh(options)))],
    ['koa', new Koa().use(onKoa.rateLimit(fresh(options))).callback()],
  ] as const) {
    it(`ask who is signed in once a request, on ${name}`, async () => {
      const app = await listen(listener)
      asked = 0
      await fetch(app.url)
      assert.equal(asked, 1)
      await app.close()
    })
  }
})

function fresh<Options extends object>(options: Options): Options & { store: Store } {
  return { ...options, store: createStore({ provider: 'embedded' }) }
}

type Handle = (rateLimit: RateLimitState) => unknown

function expressApp(store: Store, handle: Handle) {
  const limiter = onExpress.rateLimit({ store, limits: [tokens] })
  const app = express()
  app.use(limiter)
  app.use(onExpress.rateLimit({ store, limits: [requests] }))
  app.use(async (req, res) => {
    await handle(req.rateLimit)
    res.send('done')
  })
  return { limiter, listener: app as RequestListener }
}

function koaApp(store: Store, handle: Handle) {
  const limiter = onKoa.rateLimit({ store, limits: [tokens] })
  const app = new Koa()
  app.use(limiter)
  app.use(onKoa.rateLimit({ store, limits: [requests] }))
  app.use(async (ctx) => {
    await handle(ctx.rateLimit)
    ctx.body = 'done'
  })
  return { limiter, listener: app.callback() as RequestListener }
}

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import Koa from 'koa'
import { afterEach, describe, it } from 'mocha'
import { createStore } from '../../lib/index.ts'
import * as onExpress from '../../middleware/express.ts'
import * as onKoa from '../../middleware/koa.ts'

type Scope = 'public' | 'user' | undefined

/** Apps in which authentication, by an API key, stands behind the cache. */
const builds: Record<string, (scope: Scope) => RequestListener> = {
  express(scope) {
    const app = express()
    const store = createStore({ provider: 'embedded' })
    app.use(onExpress.cacheResponse({ store, ttl: '1m', ...(scope ? { scope } : {}) }))
    app.use((req, _res, next) => {
      const id = req.get('x-api-key')
      if (id) Object.assign(req, { user: { id } })
      next()
    })
    app.get('/', (req, res) => {
      res.send(`for ${req.get('x-api-key') ?? 'anyone'}`)
    })
    return app
  },
  koa(scope) {
    const app = new Koa()
    const store = createStore({ provider: 'embedded' })
    app.use(onKoa.cacheResponse({ store, ttl: '1m', ...(scope ? { scope } : {}) }))
    app.use((ctx, next) => {
      const id = ctx.get('x-api-key')
      if (id) ctx.state['user'] = { id }
      return next()
    })
    app.use((ctx) => {
      ctx.body = `for ${ctx.get('x-api-key') || 'anyone'}`
    })
    return app.callback()
  },
}

for (const [framework, build] of Object.entries(builds)) {
  describe(`cacheResponse on ${framework}: a user who signs in behind it`, () => {
    let close: (() => void) | undefined
    afterEach(() => close?.())

    async function serve(scope: Scope) {
      const server = createServer(build(scope)).listen(0, '127.0.0.1')
      await once(server, 'listening')
      close = () => server.close().closeAllConnections()
      const { port } = server.address() as AddressInfo
      return async (key?: string) => {
        const cookie = `memoryware.guest=${'g'.repeat(22)}`
        const headers = key ? { 'x-api-key': key, cookie } : { cookie }
        return (await fetch(`http://127.0.0.1:${port}`, { headers })).text()
      }
    }

    for (const scope of [undefined, 'user'] as const) {
      it(`keeps an answer to oneself, with ${scope ? `scope: '${scope}'` : 'no scope'}`, async () => {
        const call = await serve(scope)
        assert.deepEqual(
          [await call('ann'), await call('bob'), await call('ann'), await call()],
          ['for ann', 'for bob', 'for ann', 'for anyone'],
        )
      })
    }

    it("shares it where `scope: 'public'` says so", async () => {
      const call = await serve('public')
      assert.deepEqual([await call('ann'), await call('bob')], ['for ann', 'for ann'])
    })
  })
}

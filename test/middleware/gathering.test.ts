import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import Koa from 'koa'
import { describe, it } from 'mocha'
import { createStore } from '../../lib/index.ts'
import * as onExpress from '../../middleware/express.ts'
import * as onKoa from '../../middleware/koa.ts'

const names = Array.from({ length: 40 }, (_, at) => `visitor ${at}`)

/** Apps that put a name around each request before our middlewares, and answer with it. */
const apps: Record<string, (named: AsyncLocalStorage<string>) => RequestListener> = {
  express(named) {
    const store = createStore()
    return express()
      .use((req, _res, next) => named.run(req.get('x-name') ?? '', next))
      .use(onExpress.sessionMemory({ store }))
      .use(onExpress.rateLimit({ store, limit: 1000, window: '1m' }))
      .use(async (req, res) => {
        await req.memory.append({ role: 'user', content: 'Hello' })
        res.send(`${named.getStore()}`)
      })
  },
  koa(named) {
    const store = createStore()
    return new Koa()
      .use((ctx, next) => named.run(ctx.get('x-name'), next))
      .use(onKoa.sessionMemory({ store }))
      .use(onKoa.rateLimit({ store, limit: 1000, window: '1m' }))
      .use(async (ctx) => {
        await ctx.memory.append({ role: 'user', content: 'Hello' })
        ctx.body = `${named.getStore()}`
      })
      .callback()
  },
}

for (const [framework, app] of Object.entries(apps)) {
  describe(`requests that go on together on ${framework}`, () => {
    it('keep their own asynchronous context', async () => {
      const server = createServer(app(new AsyncLocalStorage())).listen(0, '127.0.0.1')
      await once(server, 'listening')
      try {
        const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
        const answers = await Promise.all(
          names.map(async (name) => (await fetch(url, { headers: { 'x-name': name } })).text()),
        )
        assert.deepEqual(answers, names)
      } finally {
        server.closeAllConnections()
        server.close()
      }
    })
  })
}

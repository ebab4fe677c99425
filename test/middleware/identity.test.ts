import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import Koa from 'koa'
import { afterEach, describe, it } from 'mocha'
import { createStore, type Memory } from '../../lib/index.ts'
import * as onExpress from '../../middleware/express.ts'
import * as onKoa from '../../middleware/koa.ts'

type Named = { get(name: string): string | undefined }
const tenant = (native: Named) => native.get('x-tenant')
const person = (native: Named) => native.get('x-user') || undefined

/** The same three apps on both frameworks: middlewares in the order given, authentication as `auth`. */
const builds: Record<string, (order: readonly ('limit' | 'auth' | Who)[]) => RequestListener> = {
  express(order) {
    const store = createStore({ provider: 'embedded' })
    const app = express()
    for (const step of order) {
      if (step === 'limit') app.use(onExpress.rateLimit({ store, limit: 100 }))
      else if (step === 'auth')
        app.use((req, _res, next) => {
          if (person(req)) Object.assign(req, { user: { id: person(req) } })
          next()
        })
      else if ('limitBy' in step)
        app.use(onExpress.rateLimit({ store, limit: 100, user: step.limitBy }))
      else app.use(onExpress.sessionMemory({ store, ...step }))
    }
    app.use(async (req, res) => {
      res.json(await talk(req.memory, req.get('x-say')))
    })
    return app
  },
  koa(order) {
    const store = createStore({ provider: 'embedded' })
    const app = new Koa()
    for (const step of order) {
      if (step === 'limit') app.use(onKoa.rateLimit({ store, limit: 100 }))
      else if (step === 'auth')
        app.use((ctx, next) => {
          if (person(ctx)) ctx.state['user'] = { id: person(ctx) }
          return next()
        })
      else if ('limitBy' in step)
        app.use(onKoa.rateLimit({ store, limit: 100, user: step.limitBy }))
      else app.use(onKoa.sessionMemory({ store, ...step }))
    }
    app.use(async (ctx) => {
      ctx.body = await talk(ctx.memory, ctx.get('x-say'))
    })
    return app.callback()
  },
}

type Who = { user?: typeof person } | { limitBy: typeof tenant }

async function talk(memory: Memory, say: string | undefined): Promise<object> {
  if (say) await memory.append({ role: 'user', content: say })
  const { items } = await memory.history()
  return { user: memory.user, said: items.map(({ content }) => content) }
}

for (const [framework, build] of Object.entries(builds)) {
  describe(`who makes a request, on ${framework}`, () => {
    let close: (() => void) | undefined
    afterEach(() => close?.())

    async function serve(order: Parameters<typeof build>[0]) {
      const server = createServer(build(order)).listen(0, '127.0.0.1')
      await once(server, 'listening')
      close = () => server.close().closeAllConnections()
      const { port } = server.address() as AddressInfo
      return async (headers: Record<string, string>) => {
        const answer = await fetch(`http://127.0.0.1:${port}`, { headers })
        return { cookie: answer.headers.get('set-cookie'), ...((await answer.json()) as object) }
      }
    }

    it('asks each middleware’s own `user`, whatever another has named', async () => {
      const call = await serve([{ limitBy: tenant }, { user: person }])
      await call({ 'x-tenant': 't1', 'x-user': 'ann', 'x-say': 'secret' })
      const bob = await call({ 'x-tenant': 't1', 'x-user': 'bob' })
      assert.deepEqual(bob, { cookie: null, user: 'bob', said: [] })
    })

    it('lets a middleware without `user` have the one that was named before', async () => {
      const call = await serve([{ limitBy: tenant }, {}])
      assert.deepEqual(await call({ 'x-tenant': 't1' }), { cookie: null, user: 't1', said: [] })
    })

    it('does not remember that nobody was signed in', async () => {
      const call = await serve(['limit', 'auth', {}])
      const guest = { cookie: `memoryware.guest=${'g'.repeat(22)}` }
      await call({ ...guest, 'x-user': 'ann', 'x-say': 'secret' })
      const bob = await call({ ...guest, 'x-user': 'bob' })
      assert.deepEqual(bob, { cookie: null, user: 'bob', said: [] })
    })

    it('knows who signed in between the middleware and the handler', async () => {
      for (const memory of [{}, { user: (native: Named) => idOf(native) }]) {
        const call = await serve([memory, 'auth'])
        const bob = await call({ 'x-user': 'bob' })
        assert.deepEqual(bob, { cookie: null, user: 'bob', said: [] })
        close?.()
      }
    })
  })
}

function idOf(native: object): string | undefined {
  const { user, state } = native as { user?: { id: string }; state?: { user?: { id: string } } }
  return user?.id ?? state?.user?.id
}

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { createServer as createTlsServer, request as tlsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import Koa from 'koa'
import { describe, it } from 'mocha'
import { createStore } from '../../lib/index.ts'
import { cacheResponse } from '../../middleware/koa.ts'
import { hostOf, protocolOf } from '../../middleware/koa-origin.ts'
import { testCertificates } from '../support/certificates.ts'

type Fields = Record<string, string>

/** What Koa says of a request with these fields, and what we say. */
async function told(app: Koa, headers: Fields, secure = false): Promise<string[][]> {
  const found: string[][] = []
  app.use((ctx) => {
    found.push([ctx.protocol, ctx.host], [protocolOf(ctx), hostOf(ctx)])
    ctx.status = 204
  })
  const { ca, server: own } = secure ? await testCertificates() : { ca: undefined, server: {} }
  const server = secure ? createTlsServer(own, app.callback()) : createServer(app.callback())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const to = { host: '127.0.0.1', port, headers, agent: false, setHost: false }
  const asking = secure ? tlsRequest({ ...to, ca: ca?.cert ?? '' }) : request(to)
  try {
    const [res] = await once(asking.end(), 'response')
    res.resume()
  } finally {
    server.close()
  }
  return found
}

const hosts = [
  ...['example.com', 'example.com:8080', 'EXAMPLE.com', '127.0.0.1:3000', 'a_b.test', '[::1]:3000'],
  ...['a.test, b.test', 'user@a.test', 'a.test/b', 'grüße.test', 'a.test:x', ' a.test ', '-'],
]

describe('host and scheme of a request on koa', () => {
  for (const host of hosts)
    it(`are what Koa says of ${JSON.stringify(host)}`, async () => {
      for (const proxy of [false, true])
        for (const forwarded of [{}, { 'x-forwarded-host': 'other.test, third.test' }]) {
          const headers = { host: Buffer.from(host).toString('latin1'), ...forwarded }
          const [koas, ours] = await told(new Koa({ proxy }), headers)
          assert.deepEqual(ours, koas)
        }
    })

  it('are what Koa says behind a proxy that it trusts', async () => {
    const headers = { host: 'a.test', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'b.test' }
    const [koas, ours] = await told(new Koa({ proxy: true }), headers)
    assert.deepEqual([koas, ours], Array(2).fill(['https', 'b.test']))
  })

  it('are what Koa says over TLS', async () => {
    const [koas, ours] = await told(new Koa(), { host: 'localhost' }, true)
    assert.deepEqual([koas, ours], Array(2).fill(['https', 'localhost']))
  })

  for (const where of ['context', 'request'] as const)
    it(`are what the application makes of them on its ${where}`, async () => {
      const app = new Koa()
      for (const [name, value] of Object.entries({ host: 'own.test', protocol: 'own' }))
        Object.defineProperty(app[where], name, { get: () => value, configurable: true })
      const [koas, ours] = await told(app, { host: 'a.test' })
      assert.deepEqual([koas, ours], Array(2).fill(['own', 'own.test']))
    })

  for (const where of ['context', 'request'] as const)
    it(`are what a middleware before makes of them on the ${where} of a request`, async () => {
      const app = new Koa().use((ctx, next) => {
        const on = where === 'context' ? ctx : ctx.request
        Object.defineProperty(on, 'host', { value: 'own.test' })
        Object.defineProperty(on, 'protocol', { value: 'own' })
        return next()
      })
      const [koas, ours] = await told(app, { host: 'a.test' })
      assert.deepEqual([koas, ours], Array(2).fill(['own', 'own.test']))
    })

  it('keep apart what an application serves to tenants by another field', async () => {
    const app = new Koa()
    Object.defineProperty(app.context, 'host', {
      get(this: Koa.Context) {
        return this.get('X-Tenant')
      },
    })
    app.use(cacheResponse({ store: createStore({ provider: 'embedded' }), ttl: '1m' }))
    app.use((ctx) => {
      ctx.body = `of ${ctx.host}`
    })
    const server = createServer(app.callback()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const ask = async (tenant: string) =>
      (await fetch(`http://127.0.0.1:${port}/`, { headers: { 'X-Tenant': tenant } })).text()
    const answers = [await ask('one'), await ask('two'), await ask('one')]
    server.close()
    assert.deepEqual(answers, ['of one', 'of two', 'of one'])
  })
})

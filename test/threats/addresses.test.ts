import assert from 'node:assert/strict'
import express, { type RequestHandler } from 'express'
import Koa from 'koa'
import { afterEach, describe, it } from 'mocha'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import type { Store } from '../../lib/index.ts'
import * as onExpress from '../../middleware/express.ts'
import * as onKoa from '../../middleware/koa.ts'
import { type App, listen } from '../support/apps.ts'
import { threat } from './threat.ts'

const limit = 3
const tries = 12

/** How many of these addresses, told by the client, pass. */
async function passed(app: App, addresses: readonly string[]): Promise<number> {
  let count = 0
  for (const address of addresses) {
    const answer = await fetch(app.url, { headers: { 'x-forwarded-for': address } })
    await answer.text()
    if (answer.status === 200) count += 1
    else assert.equal(answer.status, 429)
  }
  return count
}

const many = (address: (at: number) => string) =>
  Array.from({ length: tries }, (_, at) => address(at))

const rotating = many((at) => `198.51.100.${at}`)
const inOneNetwork = many((at) => `2001:db8:1:2${at.toString(16).padStart(2, '0')}:${at}::1`)
const inOthers = many((at) => `2001:db8:1:${at.toString(16)}00::1`)
const sameAddress = many(
  (at) => ['1.2.3.4', '::ffff:1.2.3.4', '::ffff:102:304', '::FFFF:0102:0304'][at % 4] ?? '',
)

/** One limiter behind one proxy that is known to be there. */
const behindOneProxy: Readonly<Record<'express' | 'koa', (store: Store) => Promise<App>>> = {
  async express(store) {
    const app = express().set('trust proxy', 1)
    app.use(onExpress.rateLimit({ store, limit })).use((_req, res) => void res.send('ok'))
    return listen(app)
  },
  async koa(store) {
    const app = new Koa({ proxy: true, maxIpsCount: 1 })
    app.use(onKoa.rateLimit({ store, limit })).use((ctx) => {
      ctx.body = 'ok'
    })
    return listen(app.callback())
  },
}

threat('an address that a client makes up', (place) => {
  const serve = (trustProxy: boolean) =>
    place.serve({ limit: { store: place.store, limit }, signIn: false, trustProxy }, ({ send }) =>
      send(200, 'ok'),
    )

  it('counts for nothing where no proxy is trusted', async () => {
    assert.equal(await passed(await serve(false), rotating), limit)
  })

  it('counts for nothing behind one proxy that is trusted, whatever stands before its word', async () => {
    const app = place.closing(await behindOneProxy[place.framework.name](place.store))
    const told = rotating.map((address) => `${address}, 203.0.113.9`)
    assert.equal(await passed(app, told), limit)
  })

  it('is believed where every proxy is trusted, as the frameworks do: a limit counts nobody then', async () => {
    assert.equal(await passed(await serve(true), rotating), tries)
  })

  it('is all the same where it is no address', async () => {
    const none = many(
      (at) => ['unknown', '_hidden', '999.1.1.1', '1.2.3.4.5', '::g', '[::1'][at % 6] ?? '',
    )
    assert.equal(await passed(await serve(true), none), limit)
  })
})

threat('one customer with a network of IPv6 addresses', (place) => {
  const serve = () =>
    place.serve(
      { limit: { store: place.store, limit }, signIn: false, trustProxy: true },
      ({ send }) => send(200, 'ok'),
    )

  it('is one inside a /56, and another in the next', async () => {
    const app = await serve()
    assert.equal(await passed(app, inOneNetwork), limit)
    assert.equal(await passed(app, inOthers.slice(0, 2)), 2)
  })

  it('is the one with the IPv4 address that is written as IPv6', async () => {
    assert.equal(await passed(await serve(), sameAddress), limit)
  })
})

describe('what others count of addresses', () => {
  const open: App[] = []
  afterEach(async () => {
    for (const app of open.splice(0)) await app.close()
  })

  async function peer(middleware: RequestHandler): Promise<App> {
    const app = express().set('trust proxy', true)
    app.use(middleware).use((_req, res) => void res.send('ok'))
    const served = await listen(app)
    open.push(served)
    return served
  }

  /** As its documentation has it for Express. */
  function flexible(): RequestHandler {
    const limiter = new RateLimiterMemory({ points: limit, duration: 60 })
    return (req, res, next) => {
      limiter.consume(req.ip ?? '').then(
        () => next(),
        () => res.status(429).send('no'),
      )
    }
  }

  it('is each address of a network apart, and each way to write one, in rate-limiter-flexible by req.ip', async () => {
    const app = await peer(flexible())
    assert.equal(await passed(app, inOneNetwork), tries)
    assert.ok((await passed(app, sameAddress)) > limit)
  })
})

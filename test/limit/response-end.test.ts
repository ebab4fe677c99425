import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import * as http2 from 'node:http2'
import { type AddressInfo, connect, type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import express from 'express'
import Koa, { type Context } from 'koa'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import type { Limiter } from '../../lib/limit/limiter.ts'
import type { ResponseEnd } from '../../lib/limit/rule.ts'
import * as onExpress from '../../middleware/express.ts'
import * as onKoa from '../../middleware/koa.ts'
import type { RateLimitOptions } from '../../middleware/rate-limit-options.ts'
import { eventually } from '../support/eventually.ts'
import { type Latch, latch } from '../support/latch.ts'

const slots = { name: 'slots', limit: 2, algorithm: 'concurrency', key: 'global' } as const

describe('the end of a response', () => {
  let store: Store
  let server: Server | undefined
  const clients: { destroy(): unknown }[] = []

  beforeEach(() => {
    store = createStore({ provider: 'embedded' })
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy()
    server?.close()
    await store.close()
  })

  async function listen(made: Server): Promise<number> {
    server = made
    made.listen(0, '127.0.0.1')
    await once(made, 'listening')
    return (made.address() as AddressInfo).port
  }

  for (const framework of ['express', 'koa'] as const) {
    it(`frees the slots of pipelined requests whose turn never comes, on ${framework}`, async () => {
      const handled: Latch[] = []
      const made = framework === 'express' ? expressApp : koaApp
      const { limit, listener } = made(store, async () => {
        const held = latch()
        handled.push(held)
        await held.opened
      })
      const socket = connect(await listen(createServer(listener)), '127.0.0.1')
      clients.push(socket)
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2))
      await becomes('both requests', () => handled.length === 2)
      socket.destroy()
      await becomes('free slots', async () => (await used(limit)) === 0)
      for (const each of handled) each.open()
    })
  }

  it('is told to more pipelined requests than a socket likes to have listeners', async () => {
    const warnings: Error[] = []
    const note = (warning: Error) => warnings.push(warning)
    process.on('warning', note)
    const held = latch()
    const wide = { ...slots, limit: 20 }
    const { limit, listener } = koaApp(store, () => held.opened, [wide])
    const socket = connect(await listen(createServer(listener)), '127.0.0.1')
    clients.push(socket)
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(15))
    await becomes('all requests', async () => (await used(limit)) === 15)
    held.open()
    await becomes('free slots', async () => (await used(limit)) === 0)
    process.off('warning', note)
    assert.deepEqual(warnings, [])
  })

  for (const moment of ['while its limits are looked for', 'while it is handled'] as const) {
    it(`is an abort where a stream of HTTP/2 is cancelled ${moment}`, async () => {
      const ends: ResponseEnd[] = []
      const [asked, gone] = [latch(), latch()]
      const pause = (here: boolean) => {
        if (!here) return
        asked.open()
        return gone.opened
      }
      const early = moment === 'while its limits are looked for'
      const key = async () => {
        await pause(early)
        return 'all'
      }
      const refundIf = (_: unknown, end: ResponseEnd) => ends.push(end) > 0
      const rules = [
        { ...slots, key },
        { name: 'rpm', limit: 5, refundIf },
      ] as const
      const { limit, listener } = koaApp(store, () => pause(!early), rules)
      const client = http2.connect(
        `http://127.0.0.1:${await listen(http2.createServer(listener as never))}`,
      )
      clients.push(client)
      const request = client.request({ ':path': '/' }).on('error', () => undefined)
      await asked.opened
      request.close(http2.constants.NGHTTP2_CANCEL)
      await once(request, 'close')
      // Until the server has heard of it.
      await new Promise((resolve) => client.ping(resolve))
      await sleep(10)
      gone.open()
      await becomes('the end', () => ends.length > 0)
      assert.deepEqual(ends, [{ status: undefined, aborted: true }])
      await becomes('free slots', async () => (await used(limit)) === 0)
    })
  }

  it('is none where a response over HTTP/2 was whole', async () => {
    const ends: ResponseEnd[] = []
    const refundIf = (_: unknown, end: ResponseEnd) => ends.push(end) > 0
    const { listener } = koaApp(store, () => undefined, [{ limit: 5, refundIf }])
    const client = http2.connect(
      `http://127.0.0.1:${await listen(http2.createServer(listener as never))}`,
    )
    clients.push(client)
    await once(client.request({ ':path': '/' }).resume(), 'end')
    await becomes('the end', () => ends.length > 0)
    assert.deepEqual(ends, [{ status: 200, aborted: false }])
  })
})

type Rules = NonNullable<RateLimitOptions<Context>['limits']>

interface Made {
  readonly limit: Pick<Limiter<never>, 'peek'>
  readonly listener: RequestListener
}

function koaApp(store: Store, work: () => unknown, limits: Rules = [slots]): Made {
  const limit = onKoa.rateLimit({ store, limits })
  const app = new Koa()
  app.use(limit)
  app.use(async (ctx) => {
    await work()
    ctx.body = 'done'
  })
  return { limit, listener: app.callback() }
}

function expressApp(store: Store, work: () => unknown): Made {
  const limit = onExpress.rateLimit({ store, limits: [slots] })
  const app = express()
  app.use(limit)
  app.use(async (_, res) => {
    await work()
    res.send('done')
  })
  return { limit, listener: app }
}

async function used({ peek }: Made['limit']): Promise<number | undefined> {
  return (await peek('all')).limits['slots']?.used
}

function becomes(what: string, holds: () => boolean | Promise<boolean>): Promise<true> {
  return eventually(what, async () => (await holds()) || undefined, { withinMs: 3000 })
}

import assert from 'node:assert/strict'
import http from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import express, { type RequestHandler } from 'express'
import type { Middleware } from 'koa'
import { post } from './pairs.ts'
import { closeSites, fact, frameworks, open, type Plan, type Sent } from './site.ts'

const long = JSON.stringify({ q: 'x'.repeat(60_000) })
const pieces = ['{"q":"', ...Array.from({ length: 6 }, () => 'y'.repeat(10_000)), '"}']

const bodies: readonly (readonly [says: string, body: string | string[]])[] = [
  ['short', '{"q":"a"}'],
  ['in pieces', ['{"q":', '"a"}']],
  ['long', long],
  ['long and in pieces', pieces],
]

/** A middleware before the cache that lets the body arrive first. */
const late = {
  express: { before: [((_req, _res, next) => void setTimeout(next, 30)) as RequestHandler] },
  koa: { before: [(async (_ctx, next) => wait(30).then(next)) as Middleware] },
}

for (const framework of frameworks) {
  describe(`cacheResponse on ${framework}: the body it has looked at`, () => {
    afterEach(closeSites)

    const echo = (plan: Partial<Plan> = {}) =>
      open(framework, {
        cache: { ttl: 60, methods: ['POST', 'QUERY'] },
        handle: async (run) => run.send(200, await run.text()),
        ...plan,
      })

    for (const [when, plan] of [
      ['as it comes', {}],
      ['after it has come', late],
    ] as const) {
      for (const [says, body] of bodies) {
        it(`is there for the handler: ${says}, read ${when}`, async () => {
          const { get } = await echo(plan)
          const sent = post(body, 'text/plain')
          const whole = Array.isArray(body) ? body.join('') : body
          const replies = [await get('/a', sent), await get('/a', sent)]
          assert.ok(replies.every((reply) => reply.body === whole))
          assert.match(fact(replies[1] ?? assert.fail()), /hit/)
        })
      }

      it(`is there for the handler when it is too long, read ${when}`, async () => {
        const { get } = await echo({
          ...plan,
          cache: { ttl: 60, methods: ['POST'], maxRequestBody: 9 },
        })
        const replies = [await get('/a', post(pieces)), await get('/a', post(long))]
        assert.ok(replies[0]?.body === pieces.join('') && replies[1]?.body === long)
      })

      it(`is there when it is empty, read ${when}`, async () => {
        const { get } = await echo(plan)
        const chunked: Sent = {
          method: 'POST',
          headers: { 'transfer-encoding': 'chunked' },
          body: [],
        }
        assert.equal((await get('/a', chunked)).body, '')
        assert.equal((await get('/a', post(''))).body, '')
      })
    }

    it('keys a QUERY by its content', async () => {
      const { get } = await echo()
      const query = (q: string): Sent => ({ ...post(`{"q":"${q}"}`), method: 'QUERY' })
      const replies = [
        await get('/a', query('a')),
        await get('/a', query('b')),
        await get('/a', query('a')),
      ]
      assert.deepEqual(
        replies.map(({ body }) => body),
        ['{"q":"a"}', '{"q":"b"}', '{"q":"a"}'],
      )
      assert.match(fact(replies[2] ?? assert.fail()), /hit/)
    })

    it('does not block the connection where nobody reads the rest', async () => {
      const { get } = await open(framework, {
        cache: { ttl: 60, methods: ['POST'], maxRequestBody: 9 },
        ...late,
        handle: (run) => run.send(200, 'unread'),
      })
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
      const first = await get('/a', { ...post([...pieces, ...pieces, ...pieces]), agent })
      const second = await get('/a', { agent })
      agent.destroy()
      assert.deepEqual([first.body, second.body], ['unread', 'unread'])
    })

    it('does not wait for a client that leaves while it sends', async () => {
      const site = await echo()
      const req = http.request({ port: site.port, method: 'POST', agent: false })
      req.on('error', () => undefined)
      req.write('{')
      await wait(30)
      req.destroy()
      await wait(30)
      assert.equal((await site.get('/a', post('1'))).body, '1')
    })
  })
}

describe('cacheResponse on express: a parser after the cache', () => {
  afterEach(closeSites)

  for (const [says, body] of bodies) {
    it(`parses a body that is ${says}`, async () => {
      const { get } = await open('express', {
        cache: { ttl: 60, methods: ['POST'] },
        express: { after: [express.json({ limit: '1mb' })] },
        handle: async (run) => run.send(200, await run.text()),
      })
      const whole = Array.isArray(body) ? body.join('') : body
      const replies = [await get('/a', post(body)), await get('/a', post(body))]
      for (const reply of replies) assert.ok(reply.body === whole)
      assert.match(fact(replies[1] ?? assert.fail()), /hit/)
    })
  }
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type RequestHandler } from 'express'
import { rateLimit as peer } from 'express-rate-limit'
import { afterEach, describe, it } from 'mocha'
import { type Parameters, parseList } from 'structured-headers'
import { createStore } from '../../lib/index.ts'
import { rateLimit } from '../../middleware/express.ts'

const ours = () =>
  rateLimit({
    store: createStore({ provider: 'embedded' }),
    limits: [{ name: 'rpm', limit: 2, window: '1m', algorithm: 'fixed', key: 'global' }],
    headers: ['draft-11', 'legacy'],
  })

const theirs = () =>
  peer({
    limit: 2,
    windowMs: 60_000,
    identifier: 'peer',
    standardHeaders: 'draft-8',
    legacyHeaders: true,
    keyGenerator: () => 'all',
  })

describe('fields beside those of express-rate-limit', () => {
  let server: Server | undefined

  afterEach(() => {
    server?.closeAllConnections()
    server?.close()
  })

  async function serve(limits: Readonly<Record<string, readonly RequestHandler[]>>) {
    const app = express()
    for (const [path, handlers] of Object.entries(limits))
      app.get(path, ...handlers, (_, res) => {
        res.send('ok')
      })
    server = createServer(app).listen(0)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    return (path: string) => fetch(`http://127.0.0.1:${port}${path}`)
  }

  it('say the same of quota, window, rest and reset, up to the refusal', async () => {
    const ask = await serve({ '/ours': [ours()], '/theirs': [theirs()] })
    for (const status of [200, 200, 429]) {
      const [our, their] = [await ask('/ours'), await ask('/theirs')]
      assert.deepEqual([our.status, their.status], [status, status])
      const [said, told] = [fieldsOf(our, 'rpm'), fieldsOf(their, 'peer')]
      assert.deepEqual([said.q, said.w, said.r], [told.q, told.w, told.r])
      assert.equal(our.headers.get('x-ratelimit-limit'), their.headers.get('x-ratelimit-limit'))
      assert.equal(
        our.headers.get('x-ratelimit-remaining'),
        their.headers.get('x-ratelimit-remaining'),
      )
      assertClose(said.t, told.t)
      for (const name of ['x-ratelimit-reset', 'retry-after'])
        assertClose(our.headers.get(name), their.headers.get(name))
    }
  })

  it('stand in one list with theirs', async () => {
    const ask = await serve({ '/both': [theirs(), ours()] })
    const answer = await ask('/both')
    assert.deepEqual(
      parseList(answer.headers.get('ratelimit') ?? '').map(([name]) => name),
      ['peer', 'rpm'],
    )
    assert.equal(fieldsOf(answer, 'peer').q, 2)
    assert.equal(fieldsOf(answer, 'rpm').q, 2)
  })
})

function fieldsOf({ headers }: Response, name: string) {
  const [policy, state] = ['ratelimit-policy', 'ratelimit'].map(
    (field): Parameters =>
      parseList(headers.get(field) ?? '').find(([item]) => item === name)?.[1] ??
      assert.fail(field),
  )
  return { q: policy?.get('q'), w: policy?.get('w'), r: state?.get('r'), t: state?.get('t') }
}

/** The two windows have not begun in the same moment. */
function assertClose(one: unknown, other: unknown): void {
  assert.equal(one === null, other === null)
  assert.ok(Math.abs(Number(one) - Number(other)) <= 1, `${one} and ${other}`)
}

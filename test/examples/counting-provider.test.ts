import { deepEqual, equal, match } from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createStore } from 'memoryware'
import { cacheResponse } from 'memoryware/express'
import { after, before, describe, it } from 'mocha'
import { countingProvider } from '../../examples/counting-provider.ts'
import { run } from '../support/consumer.ts'
import { root } from '../support/source-files.ts'

describe('the example: counting-provider.ts', () => {
  const provider = countingProvider()
  const store = createStore({ provider })
  const plain = { coalesce: 'process', l1: false } as const
  const app = express().use(cacheResponse({ store, ttl: '1m', scope: 'public', ...plain }))
  app.get('/', (_req, res) => void res.json({ answer: 42 }))
  const server = createServer(app)
  before(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  after(async () => {
    server.close()
    await store.close()
  })

  it('counts what the response cache finds', async () => {
    const { port } = server.address() as AddressInfo
    for (let asked = 0; asked < 3; asked += 1) {
      const answer = await fetch(`http://127.0.0.1:${port}/`)
      deepEqual(await answer.json(), { answer: 42 })
    }
    equal(store.provider, 'counting')
    deepEqual(provider.counts, { hits: 2, misses: 1 })
  })

  it('keeps the store contract, as its test with node:test says', async function () {
    this.timeout(60_000)
    const args = ['--import', 'tsx', '--test', 'examples/counting-provider.test.ts']
    const { code, stdout, stderr } = await run(process.execPath, args, root, 60_000)
    equal(code, 0, stdout + stderr)
    match(stdout, /pass [1-9]\d\d\b/)
    match(stdout, /fail 0\b/)
  })
})

import { deepEqual, match } from 'node:assert/strict'
import express from 'express'
import { createStore } from 'memoryware'
import { after, before, describe, it } from 'mocha'
import { obstacles } from '../../examples/samples/22-before-a-release.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

describe('the sample 22-before-a-release', () => {
  let server: TestServer
  before(async () => {
    server = await startRedis({ appendonly: true, args: ['--maxmemory', '50mb'] })
  })
  after(() => server.stop())

  it('keeps nothing back where all is in order', async () => {
    const store = createStore({ url: server.url })
    deepEqual(await obstacles(store, express()), [])
    await store.close()
  })

  it('names what may lose conversations', async () => {
    const store = createStore({ url: server.url })
    await server.client().config('SET', 'maxmemory-policy', 'allkeys-lru')
    const [first = '', ...more] = await obstacles(store, express())
    match(first, /^eviction: .*allkeys-lru.* Set `maxmemory-policy noeviction`/)
    deepEqual(more, [])
    await store.close()
  })
})

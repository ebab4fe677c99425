import assert from 'node:assert/strict'
import { after, before, describe, it } from 'mocha'
import { createStore } from '../../lib/index.ts'
import { serveMemories } from '../support/memories.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

describe('named values on Redis', () => {
  let server: TestServer
  before(async () => {
    server = await startRedis()
  })
  after(() => server.stop())

  it('count each of 200 additions of four processes at once', async () => {
    const stores = Array.from({ length: 4 }, () => createStore({ url: server.url, deadline: '1s' }))
    const memories = await Promise.all(stores.map((store) => serveMemories(store)))
    try {
      await Promise.all(
        memories.flatMap(({ ann }) =>
          Array.from({ length: 50 }, () => ann((memory) => memory.state.increment('n'))),
        ),
      )
      assert.equal(await memories[0]?.ann((memory) => memory.state.get('n')), 200)
    } finally {
      await Promise.all(memories.map((each) => each.close()))
      await Promise.all(stores.map((store) => store.close()))
    }
  })
})

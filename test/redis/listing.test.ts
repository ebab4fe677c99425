import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { after, before, describe, it } from 'mocha'
import { bounds, messages, session } from '../../contract/conversation.ts'
import type { Provider } from '../../lib/ports/provider.ts'
import { redisProvider } from '../../lib/providers/redis/provider.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

describe('20 sessions among 100,000 other keys', () => {
  let server: TestServer
  let admin: Redis
  let provider: Provider
  before(async () => {
    server = await startRedis()
    admin = server.client()
    for (let at = 0; at < 100_000; at += 10_000)
      await admin.mset(
        Array.from({ length: 10_000 }, (_, key) => [`other:${at + key}`, '1']).flat(),
      )
    provider = redisProvider({ url: server.url })
    for (let at = 0; at < 30; at += 1)
      await provider.history.append(session('ann', `s${at}`), messages('ua'), bounds())
  })
  after(async () => {
    await provider.close()
    await server.stop()
  })

  /** Calls of each command while something is done. */
  async function calls(done: () => Promise<unknown>): Promise<Record<string, number>> {
    await admin.config('RESETSTAT')
    await done()
    const text = await admin.info('commandstats')
    const found = [...text.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)]
    return Object.fromEntries(
      found.flatMap(([, name = '', count]) =>
        name.startsWith('config') || name === 'info' ? [] : [[name, Number(count)]],
      ),
    )
  }

  it('are listed by 21 commands that look at no other key', async () => {
    const { index } = session('ann')
    let found = 0
    const used = await calls(async () => {
      found = (await provider.history.list(index, { limit: 20, after: undefined })).length
    })
    assert.equal(found, 20)
    assert.deepEqual(used, { zrevrangebyscore: 1, hmget: 20 })
  })

  it('are shrunk and forgotten without a look at other keys', async () => {
    const keys = session('ann')
    const count = async () => {
      assert.equal((await provider.history.shrink(keys, 25)).length, 5)
      assert.equal(await provider.history.forget(keys), 25)
    }
    const used = await calls(count)
    for (const name of ['scan', 'keys', 'sort', 'dbsize'])
      assert.equal(used[name], undefined, `${name} was used`)
    assert.ok((used['evalsha'] ?? 0) + (used['eval'] ?? 0) <= 4, JSON.stringify(used))
    assert.equal(await admin.dbsize(), 100_001)
  })
})

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'mocha'
import { createStore, escapePattern, type Store } from '../../lib/index.ts'
import { startRedis } from '../support/redis.ts'
import { startRedisCluster } from '../support/redis-cluster.ts'

/** Parts of keys that a pattern, a key of Redis or a Cluster reads as something else. */
const parts = [
  ...[':', '*', '**', '?', '[', ']', '[]', '[a-z]', '[^a]', '^', '-', '{', '}', '{}', '{a}'],
  ...['{a', 'a}', '}{', '{{a}}', '{*}', '\\', '\\\\', '\\*', 'a\\', ':*?[]{}\\', '[\\]', '\\]'],
  ...[' ', '\t', '\r\n', '\0', '"', "'", '%2A', '~', '$', '(', '|', '.', '+', 'é', '日本', '😀'],
]

const places = {
  'a standalone Redis': async () => {
    const server = await startRedis()
    const store = createStore({ url: server.url, deadline: '1s' })
    return { server, store }
  },
  'a Cluster': async () => {
    const server = await startRedisCluster({ replicas: 0 })
    const cluster = server.urls.map((url) => new URL(url).host)
    return { server, store: createStore({ cluster, deadline: '1s' }) }
  },
  'a prefix of such characters': async () => {
    const server = await startRedis()
    const prefix = ':*?[]\\:'
    return { server, store: createStore({ url: server.url, prefix, deadline: '1s' }) }
  },
  embedded: async () => ({ server: undefined, store: createStore({ provider: 'embedded' }) }),
} as const

for (const [place, start] of Object.entries(places)) {
  describe(`keys with characters of patterns, on ${place}`, function () {
    this.timeout(60_000)
    let store: Store
    let stop: () => Promise<void>
    const keys = parts.map((part) => `note:${part}:text`)
    before(async () => {
      const started = await start()
      store = started.store
      stop = async () => {
        await store.close()
        await started.server?.stop()
      }
    })
    after(() => stop())

    it('are kept apart by set and get, one by one and many at once', async () => {
      for (const [at, key] of keys.entries()) await store.set(key, at)
      for (const [at, key] of keys.entries()) assert.equal(await store.get(key), at)
      assert.deepEqual(await store.mget(keys), [...keys.keys()])
      assert.equal(await store.exists(...keys), keys.length)
    })

    it('are listed as they are', async () => {
      assert.deepEqual((await store.keys('note:*')).toSorted(), keys.toSorted())
      for (const key of keys) assert.deepEqual(await store.keys(escapePattern(key)), [key])
    })

    it('are removed alone by a pattern of their own, and by no other', async () => {
      for (const [at, part] of parts.entries()) {
        const pattern = `note:${escapePattern(part)}:*`
        assert.deepEqual(await store.keys(pattern), [keys[at]])
        assert.equal(await store.deletePattern(pattern), 1, JSON.stringify(part))
        assert.equal((await store.keys('note:*')).length, keys.length - at - 1)
      }
    })
  })
}

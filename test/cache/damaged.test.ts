import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { createStore, type Store } from '../../lib/index.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis, type TestServer } from '../support/redis.ts'
import { of } from './pairs.ts'
import { closeSites, frameworks, open } from './site.ts'

const half = (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)

/** What befalls a field of the hash that an entry is. */
const damages: readonly (readonly [
  says: string,
  field: string,
  damage: (bytes: Buffer) => Buffer,
])[] = [
  ['a body with another byte', 'body', (bytes) => Buffer.concat([bytes.subarray(1), half(bytes)])],
  ['half a body', 'body', half],
  ['no body', 'body', () => Buffer.alloc(0)],
  ['half a head', 'head', half],
  ['a head of zeros', 'head', (bytes) => Buffer.alloc(bytes.length)],
  ['a head that is a number', 'head', () => Buffer.from('1')],
  ['a head without end', 'head', () => Buffer.from('['.repeat(100_000))],
]

for (const framework of frameworks) {
  describe(`an entry in Redis that is damaged, on ${framework}`, () => {
    let server: TestServer
    let client: Redis
    let store: Store

    before(async () => {
      server = await startRedis()
      client = server.client()
    })
    beforeEach(async () => {
      await client.flushall()
      store = createStore({ url: server.url, deadline: '1s' })
    })
    afterEach(async () => {
      await closeSites()
      await store.close()
    })
    after(() => server.stop())

    const entryKey = async (): Promise<string | undefined> => {
      for (const key of await client.keys('cache:*'))
        if (await client.hexists(key, 'body')) return key
      return undefined
    }
    const sent = of('host', 'site.test')

    for (const [says, field, damage] of damages) {
      it(`is a miss, and is deleted: ${says}`, async () => {
        // What the second process makes is not kept: the place stays empty. Nothing is at hand either, as
        // it may be once purges are heard of.
        const site = (body: string, keeps: boolean) =>
          open(framework, {
            cache: { ttl: 60, store, l1: false },
            handle(run) {
              if (!keeps) run.set('Cache-Control', 'no-store')
              run.send(200, body)
            },
          })
        const [one, other] = [await site('made first', true), await site('made anew', false)]
        await one.get('/a', sent)
        const key = await eventually('it is stored', entryKey)
        const found = await client.hgetBuffer(key, field)
        assert.ok(found)
        await client.hset(key, field, damage(found))
        const reply = await other.get('/a', sent)
        assert.deepEqual([reply.status, reply.body, other.runs], [200, 'made anew', 1])
        await eventually('it is gone', async () => (await client.exists(key)) === 0 || undefined)
      })
    }

    it('is none: what is sound is answered', async () => {
      const site = () =>
        open(framework, {
          cache: { ttl: 60, store, l1: false },
          handle: (run) => run.send(200, 'made'),
        })
      const [one, other] = [await site(), await site()]
      await one.get('/a', sent)
      await eventually('it is stored', entryKey)
      const reply = await other.get('/a', sent)
      assert.deepEqual([reply.body, other.runs], ['made', 0])
    })
  })
}

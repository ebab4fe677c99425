import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import type { Store } from '../../lib/index.ts'
import { testStores } from '../support/stores.ts'
import { counting, of, post } from './pairs.ts'
import { closeSites, fact, frameworks, type Run } from './site.ts'

for (const provider of testStores()) {
  for (const framework of frameworks) {
    describe(`cacheResponse on ${framework} and ${provider.name}`, () => {
      let store: Store

      before(provider.start)
      beforeEach(async () => {
        store = await provider.empty()
      })
      afterEach(closeSites)
      after(provider.stop)

      // What is at hand in the process would hide what stands in the store.
      const site = (handle?: (run: Run) => unknown) =>
        counting(framework, {
          cache: { ttl: 60, store, methods: ['GET', 'POST'], l1: false },
          ...(handle ? { handle } : {}),
        })
      const written = () => wait(30)

      it('answers what another process stored', async () => {
        const [one, other] = [await site(), await site()]
        await one.get('/a', of('host', 'a.test'))
        await written()
        const reply = await other.get('/a', of('host', 'a.test'))
        assert.match(fact(reply), /hit/)
        assert.deepEqual([reply.body, other.runs], ['run 1', 0])
      })

      it('knows the variants that another process learned', async () => {
        const handle = (run: Run): void => {
          run.set('Vary', 'Accept-Language')
          run.send(200, `${run.headers['accept-language']} ${run.number}`)
        }
        const [one, other] = [await site(handle), await site(handle)]
        const ask = (language: string) => of('accept-language', language, of('host', 'a.test'))
        await one.get('/a', ask('de'))
        await one.get('/a', ask('fr'))
        await written()
        const replies = [await other.get('/a', ask('fr')), await other.get('/a', ask('de'))]
        assert.deepEqual(
          replies.map(({ body }) => body),
          ['fr 2', 'de 1'],
        )
      })

      it('keeps raw bytes', async () => {
        const bytes = Buffer.from(Array.from({ length: 256 }, (_, at) => at))
        const { get } = await site((run) => run.send(200, bytes))
        const sent = post('{"q":1}')
        await get('/a', sent)
        await written()
        const { headers, body } = await get('/a', sent)
        assert.deepEqual([headers['content-length'], body], ['256', bytes.toString()])
      })

      it('runs the handler where something else stands under the key', async () => {
        const { get } = await site()
        await get('/a')
        await written()
        const keys = await store.keys('cache:*')
        assert.ok(keys.length > 0)
        for (const key of keys) await store.set(key, 'something else')
        const replies = [await get('/a'), await get('/a')]
        assert.equal(replies[0]?.body, 'run 2')
      })
    })
  }
}

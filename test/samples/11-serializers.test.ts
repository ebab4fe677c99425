import { deepEqual, ok } from 'node:assert/strict'
import type { StoreOptions } from 'memoryware'
import { after, before, describe, it } from 'mocha'
import { jsonStore, msgpackStore, roundTrip } from '../../examples/samples/11-serializers.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

const upload = { at: new Date(0), digest: Buffer.from('bytes'), tags: ['a', 'b'] }

describe('the sample 11-serializers', () => {
  let server: TestServer
  before(async () => {
    server = await startRedis()
  })
  after(() => server.stop())

  const places: readonly [string, () => StoreOptions][] = [
    ['embedded', () => ({ provider: 'embedded' })],
    ['redis', () => ({ url: server.url, deadline: '1s' })],
  ]
  for (const [name, where] of places) {
    it(`gives back what JSON can hold, ${name}`, async () => {
      const store = jsonStore(where())
      const read = await roundTrip(store, upload)
      deepEqual(read, JSON.parse(JSON.stringify(upload)))
      await store.close()
    })

    it(`gives back dates and bytes with MessagePack, ${name}`, async () => {
      const store = msgpackStore(where())
      deepEqual(await roundTrip(store, upload), upload)
      await store.close()
    })
  }

  it('takes fewer bytes with MessagePack', async () => {
    const [text, binary] = [jsonStore, msgpackStore].map((make) => make({ url: server.url }))
    ok(text && binary)
    await roundTrip(text, upload)
    const long = await server.client().strlen('upload')
    await roundTrip(binary, upload)
    ok((await server.client().strlen('upload')) < long)
    await Promise.all([text.close(), binary.close()])
  })

  it('reads with MessagePack what was written as JSON', async () => {
    const [text, binary] = [jsonStore, msgpackStore].map((make) => make({ url: server.url }))
    ok(text && binary)
    await text.set('old', { a: 1 })
    deepEqual(await binary.get('old'), { a: 1 })
    await Promise.all([text.close(), binary.close()])
  })
})

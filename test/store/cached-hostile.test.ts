import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'mocha'
import { cached, type Serializer, type Store } from '../../lib/index.ts'
import { eventually } from '../support/eventually.ts'
import { bothProviders } from '../support/stores.ts'

/** Gives and takes the very bytes. */
const asTheyAre: Serializer = {
  name: 'bytes',
  encode: (value) => value as Uint8Array,
  decode: (bytes) => bytes,
}

for (const stores of bothProviders()) {
  describe(`cached over ${stores.name}: callers that write into their results`, () => {
    let store: Store
    before(() => stores.start())
    beforeEach(async () => {
      store = await stores.empty()
    })
    after(() => stores.stop())

    for (const tags of [undefined, ['a']]) {
      it(`change them for nobody else, ${tags ? 'with' : 'without'} tags`, async () => {
        const fn = cached(async (text: string) => Buffer.from(text), {
          ...{ ttl: '1m', store, name: 'bytes', serializer: asTheyAre, ...(tags && { tags }) },
        })
        const hit = (text: string) =>
          eventually('it is kept', async () => {
            const found = await fn.withStatus(text)
            return found.status === 'hit' ? found.value : undefined
          })
        // From the second on, results are at hand as well.
        for (const text of ['abc', 'def', 'ghi']) {
          const both = [fn(text), fn(text)]
          for (const each of both) (await each).fill(0)
          const again = await hit(text)
          assert.equal(String(again), text)
          again.fill(0)
          assert.equal(String(await fn(text)), text)
        }
      })
    }
  })
}

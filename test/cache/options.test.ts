import assert from 'node:assert/strict'
import { OptionError } from '../../lib/errors.ts'
import { createStore } from '../../lib/store.ts'
import * as onExpress from '../../middleware/express.ts'
import * as onKoa from '../../middleware/koa.ts'

const store = createStore({ provider: 'embedded' })

const wrong: readonly (readonly [option: RegExp, options: Record<string, unknown>])[] = [
  [/`cacheResponse.tll` must be one of/, { tll: 60 }],
  [/`cacheResponse.store`/, { store: {} }],
  [/`cacheResponse.ttl` must be a duration above 0/, { ttl: 0 }],
  [/`cacheResponse.ttl`/, { ttl: 'soon' }],
  [/`cacheResponse.ttl`/, { ttl: Number.NaN }],
  [/`cacheResponse.mode` must be "http" or "app", got "https"/, { mode: 'https' }],
  [/`cacheResponse.methods`/, { methods: ['PUT'] }],
  [/`cacheResponse.methods`/, { methods: [] }],
  [/`cacheResponse.methods`/, { methods: 'GET' }],
  [/`cacheResponse.key`/, { key: 'query' }],
  [/`cacheResponse.key.params`/, { key: { params: [] } }],
  [/`cacheResponse.key.query` must be true/, { key: { query: false } }],
  [/`cacheResponse.key.query`/, { key: { query: [1] } }],
  [/`cacheResponse.key.query.ignores`/, { key: { query: { ignores: [] } } }],
  [/`cacheResponse.key.headers`/, { key: { headers: ['a b'] } }],
  [/`cacheResponse.key.body`/, { key: { body: 'json' } }],
  [/`cacheResponse.key.extra` must be a function/, { key: { extra: 'x' } }],
  [/`cacheResponse.scope`/, { scope: 'private' }],
  [/`cacheResponse.user` must be a function/, { user: 'x' }],
  [/`cacheResponse.when` must be a function/, { when: true }],
  [/`cacheResponse.coalesce` must be "process" or "redis" or false/, { coalesce: 'cluster' }],
  [/`cacheResponse.staleWhileRevalidate`/, { staleWhileRevalidate: 'soon' }],
  [/`cacheResponse.staleIfError`/, { staleIfError: -1 }],
  [/`cacheResponse.stream.replays`/, { stream: { replays: 'burst' } }],
  [/`cacheResponse.stream.replay` must be "burst" or "original"/, { stream: { replay: 'slow' } }],
  [/`cacheResponse.stream.complete` must be a function/, { stream: { complete: true } }],
  [/`cacheResponse.tags`/, { tags: 'prices' }],
  [/`cacheResponse.tags`/, { tags: [''] }],
  [/`cacheResponse.l1.size`/, { l1: { size: 1 } }],
  [/`cacheResponse.l1.maxBytes`/, { l1: { maxBytes: 0 } }],
  [/`cacheResponse.l1.ttl`/, { l1: { ttl: 'soon' } }],
  [/`cacheResponse.maxRequestBody` must be a whole number/, { maxRequestBody: 0 }],
  [/`cacheResponse.maxEntry`/, { maxEntry: 1.5 }],
  [/`cacheResponse.cacheStatus`/, { cacheStatus: 'yes' }],
]

for (const [framework, { cacheResponse }] of Object.entries({ express: onExpress, koa: onKoa })) {
  describe(`cacheResponse on ${framework}: options`, () => {
    for (const [says, options] of wrong) {
      it(`refuses ${JSON.stringify(options)} when mounting`, () => {
        const mount = (): unknown => cacheResponse({ store, ...options } as never)
        assert.throws(
          mount,
          (error: Error) => error instanceof OptionError && says.test(error.message),
        )
      })
    }

    it('does not write to the options', () => {
      const options = Object.freeze({
        store,
        key: Object.freeze({ headers: Object.freeze(['B', 'A']) }),
      })
      cacheResponse(options)
      assert.deepEqual(options.key.headers, ['B', 'A'])
    })
  })
}

import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { createStore, StoreError } from '../lib/index.ts'
import { rateLimit } from '../middleware/express.ts'

// The CommonJS form of the package, where a process has loaded both, or another version of it.
const copy: { StoreError: typeof StoreError } = await import(`../lib/errors.ts?${'copy'}`)

describe('errors of another copy of this package', () => {
  it('are store errors as well, and nothing else is', () => {
    const error = new copy.StoreError('charge', 'timeout')
    assert.notEqual(copy.StoreError, StoreError)
    assert.ok(error instanceof StoreError)
    for (const other of [new Error('charge'), { code: 'ERR_STORE' }, null, undefined, 'charge'])
      assert.ok(!(other instanceof StoreError))
  })

  it('leave limits to their policy', async () => {
    const store = createStore({ provider: 'embedded' })
    const away = async () => {
      throw new copy.StoreError('charge', 'timeout')
    }
    const theirs = { ...store, budgets: { ...store.budgets, charge: away } }
    const limit = rateLimit({ store: theirs, limit: 1, onStoreError: 'local' })
    const { allowed, degraded } = await limit.check('ann')
    assert.deepEqual([allowed, degraded], [true, true])
    await store.close()
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { createStore } from '../../lib/index.ts'
import { rateLimit } from '../../middleware/express.ts'

describe('names of rules', () => {
  // Names that objects have before anybody gives them any.
  for (const name of ['__proto__', 'constructor', 'toString']) {
    it(`may be ${name}`, async () => {
      const store = createStore({ provider: 'embedded' })
      const rpm = { name: 'rpm', limit: 5 }
      const limiter = rateLimit({ store, limits: [{ name, limit: 100, unit: 'tokens' }, rpm] })
      const checked = await limiter.check('ann', { cost: { rpm: 2 } })
      const used = () => Object.entries(checked.limits).map(([rule, each]) => [rule, each.used])
      assert.deepEqual(used(), [
        [name, 1],
        ['rpm', 2],
      ])
      assert.equal(await checked.settleUsage({ total_tokens: 7 }), true)
      assert.deepEqual(used(), [
        [name, 7],
        ['rpm', 2],
      ])
      await store.close()
    })
  }
})

describe('units of rules', () => {
  it('may be named like what objects have', async () => {
    const store = createStore({ provider: 'embedded' })
    const limits = [{ name: 'made', limit: 9, unit: 'constructor' }]
    const checked = await rateLimit({ store, limits }).check('ann')
    await checked.settleUsage({ total_tokens: 7 })
    assert.equal(checked.limits['made']?.used, 1)
    await store.close()
  })
})

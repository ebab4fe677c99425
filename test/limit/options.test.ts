import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { createStore } from '../../lib/index.ts'
import { rateLimit } from '../../middleware/express.ts'

describe('rateLimit options', () => {
  const store = createStore({ provider: 'embedded' })
  const mount = (options: object) => () => rateLimit({ store, ...options } as never)

  for (const [fault, options, message] of [
    ['nothing', {}, /`rateLimit.limit` must be given, or `limits`, got undefined/],
    ['a limit below 0', { limit: -1 }, /`rateLimit.limit` must be a whole number .* got -1/],
    ['half a limit', { limit: 1.5 }, /`rateLimit.limit` must be a whole number .* got 1.5/],
    ['a limit that is text', { limit: '10' }, /`rateLimit.limit` must be .* got "10"/],
    ['no window at all', { limit: 1, window: 0 }, /`rateLimit.window` must be a duration .* got 0/],
    ['a window without unit', { limit: 1, window: '60' }, /`rateLimit.window` .* got "60"/],
    [
      'a misspelt option',
      { limit: 1, windw: '1m' },
      /`rateLimit.windw` must be one of limit, window/,
    ],
    ['limit and limits', { limit: 1, limits: [{ limit: 1 }] }, /`rateLimit.limit` must be absent/],
    ['no rules', { limits: [] }, /`rateLimit.limits` must be an array of at least one rule/],
    ['a misspelt rule', { limits: [{ limit: 1, nme: 'x' }] }, /`rateLimit.limits\[0\].nme`/],
    [
      'two rules of a name',
      { limits: [{ limit: 1 }, { limit: 1 }] },
      /different names, got "1-per-1m"/,
    ],
    [
      'a name with spaces',
      { limits: [{ name: 'a b', limit: 1 }] },
      /limits\[0\].name` must be 1 to 32/,
    ],
    [
      'an unknown algorithm',
      { limits: [{ limit: 1, algorithm: 'x' }] },
      /algorithm` must be "sliding"/,
    ],
    [
      'an unknown key',
      { limit: 1, key: 'usr' },
      /`rateLimit.key` must be "user" or "ip" or "global"/,
    ],
    [
      'a negative cost',
      { limits: [{ limit: 1, cost: -1 }] },
      /limits\[0\].cost` must be a whole number/,
    ],
    ['an unknown policy', { limit: 1, onStoreError: 'closed' }, /onStoreError` must be "local"/],
    [
      'unknown fields',
      { limit: 1, headers: ['draft-8'] },
      /headers` must be false, or a list of draft-11, legacy, openai/,
    ],
    [
      'a unit of slots',
      { limits: [{ limit: 1, algorithm: 'concurrency', unit: 'tokens' }] },
      /unit` must be absent where the algorithm is concurrency/,
    ],
    [
      'a burst without gcra',
      { limits: [{ limit: 1, burst: 2 }] },
      /burst` must be absent where the algorithm is sliding/,
    ],
    [
      'a window of slots',
      { limits: [{ limit: 1, window: '1m', algorithm: 'concurrency' }] },
      /window` must be absent/,
    ],
    [
      'a cost of slots',
      { limits: [{ limit: 1, cost: 2, algorithm: 'concurrency' }] },
      /cost` must be absent/,
    ],
    ['a lease without slots', { limits: [{ limit: 1, lease: '10s' }] }, /lease` must be absent/],
    [
      'a lease of no time',
      { limits: [{ limit: 1, lease: '10ms', algorithm: 'concurrency' }] },
      /lease` must be at least 1 second/,
    ],
    [
      'a burst of nothing',
      { limits: [{ limit: 1, burst: 0, algorithm: 'gcra' }] },
      /burst` must be a whole number/,
    ],
    [
      'an unknown mode',
      { limits: [{ limit: 1, mode: 'dry' }] },
      /mode` must be "enforce" or "shadow"/,
    ],
    [
      'a block without time',
      { limits: [{ limit: 1, block: { after: 3 } }] },
      /block.for` must be a duration/,
    ],
    [
      'a block after nothing',
      { limits: [{ limit: 1, block: { after: 0, for: 1 } }] },
      /block.after` must be/,
    ],
    [
      'an unknown escalation',
      { limits: [{ limit: 1, block: { after: 1, for: 1, escalate: 'x' } }] },
      /escalate` must be "double"/,
    ],
    [
      'a refundIf that is no function',
      { limits: [{ limit: 1, refundIf: true }] },
      /refundIf` must be a function/,
    ],
    ['a limit of 16 digits', { limit: 1e15 }, /`rateLimit.limit` must be a whole number/],
    ['a skip that is no function', { limit: 1, skip: true }, /`rateLimit.skip` must be a function/],
    ['a store that is none', { limit: 1, store: {} }, /`rateLimit.store` must be a store made by/],
  ] as const) {
    it(`refuses ${fault}, naming option, expectation and value`, () => {
      assert.throws(mount(options), (error: Error & { code?: string }) => {
        assert.equal(error.name, 'OptionError')
        assert.equal(error.code, 'ERR_OPTION')
        assert.match(error.message, message)
        return true
      })
    })
  }

  it('refuses one name for two rules', () => {
    mount({ limits: [{ name: 'same', limit: 1 }] })()
    assert.throws(
      mount({ limits: [{ name: 'same', limit: 2 }] }),
      /another rule has it, got "same"/,
    )
  })

  it('says once that two limiters share a budget', async () => {
    const codes: unknown[] = []
    const listen = (warning: Error & { code?: string }) => codes.push(warning.code)
    process.on('warning', listen)
    for (let n = 0; n < 3; n++) mount({ limits: [{ name: 'shared', limit: 1 }] })()
    await new Promise((done) => setImmediate(done))
    process.off('warning', listen)
    assert.deepEqual(codes, ['MEMORYWARE_SHARED_LIMIT'])
  })
})

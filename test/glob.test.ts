import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Redis } from 'ioredis'
import { after, before, describe, it } from 'mocha'
import { globMatcher } from '../lib/glob.ts'
import { startRedis, type TestServer } from './support/redis.ts'

const matching: [pattern: string, key: string][] = [
  ['', ''],
  ['*', ''],
  ['*', 'anything'],
  ['**', 'a'],
  ['a*', 'a'],
  ['*a*', 'bab'],
  ['*ab', 'aab'],
  ['h?llo', 'hello'],
  ['h[ae]llo', 'hallo'],
  ['h[^e]llo', 'hallo'],
  ['[a-c]', 'b'],
  ['[c-a]', 'b'],
  ['[a-]', '_'],
  ['[--a]', '0'],
  ['\\*', '*'],
  ['\\', '\\'],
  ['[\\]]', ']'],
  ['[abc', 'c'],
  ['[^', 'x'],
  ['[^]', 'x'],
  ['??', 'é'],
  ['[a-é]', 'A'],
  ['*\0*', 'a\0b'],
]

const other: [pattern: string, key: string][] = [
  ['', 'a'],
  ['**', ''],
  ['a', 'ab'],
  ['?', ''],
  ['?', 'é'],
  ['[a-é]', 'b'],
  ['h[^e]llo', 'hello'],
  ['[]', ']'],
  ['[', '['],
  ['[^a-c]', 'b'],
  ['\\a*', '\\ab'],
  ['A', 'a'],
]

describe('globMatcher', () => {
  for (const [pattern, key] of matching)
    it(`takes ${JSON.stringify(key)} for ${JSON.stringify(pattern)}`, () => {
      assert.equal(globMatcher(pattern)(key), true)
    })

  for (const [pattern, key] of other)
    it(`does not take ${JSON.stringify(key)} for ${JSON.stringify(pattern)}`, () => {
      assert.equal(globMatcher(pattern)(key), false)
    })

  it('needs no more than pattern times key steps', () => {
    const startedAt = performance.now()
    for (const pattern of [`${'a*'.repeat(500)}b`, `${'*a'.repeat(500)}*b`, '*?'.repeat(500)])
      globMatcher(pattern)('a'.repeat(1_000))
    assert.ok(performance.now() - startedAt < 500)
  })
})

describe('globMatcher and Redis', () => {
  let server: TestServer
  let client: Redis
  before(async () => {
    server = await startRedis()
    client = server.client()
  })
  after(() => server.stop())

  // A range that ends in a byte above 127 depends on whether C's `char` has a sign where Redis runs.
  const alphabets = [
    ['a', 'b', 'c', '*', '?', '[', ']', '^', '-', '\\', '\0'],
    ['a', 'b', '*', '?', '[', ']', '^', '\\', 'é', '🔑', '\n'],
  ]

  for (const [at, alphabet] of alphabets.entries())
    it(`find the same keys for any pattern of ${JSON.stringify(alphabet.join(''))}`, async () => {
      await client.select(at)
      const letter = fc.constantFrom(...alphabet)
      const keys = fc.sample(fc.string({ unit: letter, minLength: 1, maxLength: 5 }), 1_500)
      await client.mset(Object.fromEntries(keys.map((key) => [key, '1'])))
      const distinct = [...new Set(keys)]
      await fc.assert(
        fc.asyncProperty(fc.string({ unit: letter, maxLength: 8 }), async (pattern) => {
          const found = await client.keys(pattern)
          assert.deepEqual(distinct.filter(globMatcher(pattern)).sort(), found.sort())
        }),
        { numRuns: 1_000 },
      )
    })
})

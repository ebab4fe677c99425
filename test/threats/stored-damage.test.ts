import assert from 'node:assert/strict'
import { after, before, describe, it } from 'mocha'
import { fuzz } from '../support/fuzz-stored.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

describe('threat: stored values that are damaged, of another version or of another type', () => {
  let server: TestServer
  before(async () => {
    server = await startRedis()
  })
  after(() => server.stop())

  for (const sealed of [true, false])
    it(`are right, refused or absent: 100 cases, ${sealed ? 'encrypted' : 'plain JSON'}`, async () => {
      const { cases, kinds, refused } = await fuzz(server, { sealed, seed: 20261126, cases: 100 })
      assert.equal(cases, 100)
      assert.ok(kinds.size >= 15, [...kinds].join(' '))
      assert.ok(refused > 0)
    })
})

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'mocha'
import { fuzz } from '../support/fuzz-stored.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

describe('threat: stored values that are damaged, thousands of times', function () {
  this.timeout(120_000)
  let server: TestServer
  before(async () => {
    server = await startRedis()
  })
  after(() => server.stop())

  // A failure tells its seed, and comes again with it.
  for (const [sealed, seed] of [
    [true, 1],
    [true, 20_783],
    [false, 20_783],
  ] as const)
    it(`are right, refused or absent, ${sealed ? 'encrypted' : 'plain JSON'}, seed ${seed}`, async () => {
      const { given, refused, kinds } = await fuzz(server, { sealed, seed, cases: 1000 })
      assert.ok(given > 1000 && refused > 500, `${given} given, ${refused} refused`)
      assert.ok(kinds.size >= 20)
    })
})

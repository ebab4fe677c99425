import assert from 'node:assert/strict'
import { after, before, describe, it } from 'mocha'
import { fuzz } from '../support/fuzz-stored.ts'
import { startRedis, type TestServer } from '../support/redis.ts'

const day = Math.floor(Date.now() / 86_400_000)

describe('threat: stored values that are damaged, thousands of times', function () {
  this.timeout(120_000)
  let server: TestServer
  before(async () => {
    server = await startRedis()
  })
  after(() => server.stop())

  // The seed is another each day; a failure tells it.
  for (const [sealed, seed] of [
    [true, 1],
    [true, day],
    [false, day],
  ] as const)
    it(`are right, refused or absent, ${sealed ? 'encrypted' : 'plain JSON'}, seed ${seed}`, async () => {
      const { given, refused, kinds } = await fuzz(server, { sealed, seed, cases: 1000 })
      assert.ok(given > 1000 && refused > 500, `${given} given, ${refused} refused`)
      assert.ok(kinds.size >= 20)
    })
})

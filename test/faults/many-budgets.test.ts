import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, it } from 'mocha'
import { embeddedProvider } from '../../lib/providers/embedded/provider.ts'

const minuteMs = 60_000

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function heapBytes(): number {
  collect()
  return process.memoryUsage().heapUsed
}

describe('an embedded provider of the usual size', () => {
  it('has room for 100,000 active keys, however they are counted, under 64 MB', async () => {
    for (const [limit, charges, cost] of [
      [60, 13, 1],
      [24, 1, 24],
    ] as const) {
      let nowMs = Date.UTC(2026, 10, 22)
      const store = embeddedProvider({ now: () => nowMs })
      const before = heapBytes()
      const rule = { algorithm: 'sliding', limit, windowMs: minuteMs, cost } as const
      for (let charge = 0; charge < charges; charge += 1) {
        for (let at = 0; at < 100_000; at += 1)
          await store.budgets.charge([{ ...rule, key: `limit:{ip~203.0.113.${at}}:rpm:w60000` }])
        nowMs += minuteMs / 12
      }
      const taken = heapBytes() - before
      assert.ok(taken < 64_000_000, `${taken} bytes at a limit of ${limit}`)
      const [node] = (await store.inspection?.nodes()) ?? []
      assert.deepEqual([node?.keys, node?.stats.evicted], [100_000, 0])
      assert.ok((node?.memory.used ?? 0) > taken * 0.9, `${node?.memory.used} for ${taken}`)
      await store.close()
    }
  }).timeout(180_000)
})

import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Latency } from './delete-pattern.ts'
import { percentile } from './statistics.ts'

const redis = new Redis(process.argv[2] ?? '')
const tookMs: number[] = []
const running = new Set<Promise<void>>()

await redis.ping()
const timer = setInterval(() => {
  // It does not wait for the answer before: whoever waits would not notice what all others wait.
  const asked = ask().finally(() => running.delete(asked))
  running.add(asked)
}, 1)
await sleep(500)
// What was slow until now was this process, which had just begun.
tookMs.length = 0
process.send?.('watching')

await once(process, 'message')
clearInterval(timer)
await Promise.all(running)
const latency: Latency = {
  samples: tookMs.length,
  p99Ms: percentile(tookMs, 0.99),
  maxMs: percentile(tookMs, 1),
}
process.send?.(latency)
redis.disconnect()
process.disconnect()

async function ask(): Promise<void> {
  const start = performance.now()
  await redis.get('of the neighbour')
  tookMs.push(performance.now() - start)
}

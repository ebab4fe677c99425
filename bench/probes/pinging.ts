import { Redis } from 'ioredis'
import { median } from '../statistics.ts'

/** How long Redis takes to answer one who asks nothing. */
export interface PingResult {
  readonly medianMs: number
}

const pings = { warm: 500, timed: 1000 }

const [, , url = ''] = process.argv
const client = new Redis(url)
for (let at = 0; at < pings.warm; at += 1) await client.ping()
const times: number[] = []
for (let at = 0; at < pings.timed; at += 1) {
  const began = performance.now()
  await client.ping()
  times.push(performance.now() - began)
}
const result: PingResult = { medianMs: median(times) }
process.send?.(result)
client.disconnect()
process.disconnect()

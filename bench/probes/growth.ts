import { median } from '../statistics.ts'
import { memoriesOf, said, storeAt } from './memories.ts'

/** Microseconds that an operation takes; one value a round. */
export interface GrowthTimes {
  readonly append: number[]
  readonly read: number[]
}

/** What operations take on short conversations, and on long ones. */
export interface GrowthResult {
  readonly few: GrowthTimes
  readonly many: GrowthTimes
}

const few = 20
const many = 2000
const sessions = 16
const passes = 10

const [, , rounds, url] = process.argv
const store = storeAt(url)
// What is stored is not counted in tokens: that would hide what the store does with it.
const memoryOf = memoriesOf({ store, ttl: 3600, maxStored: 100_000, context: { count: () => 1 } })
const ids = Array.from({ length: sessions }, (_, at) => `s${at}`)
const short = ids.map((id) => memoryOf('short', id))
const long = ids.map((id) => memoryOf('long', id))
for (const memory of long) await memory.append(said(many))

const result: GrowthResult = { few: { append: [], read: [] }, many: { append: [], read: [] } }
for (let round = -1; round < Number(rounds); round += 1) {
  const ofFew: GrowthTimes = { append: [], read: [] }
  const ofMany: GrowthTimes = { append: [], read: [] }
  for (let pass = 0; pass < passes; pass += 1) {
    for (const memory of short) {
      await memory.delete()
      await memory.append(said(few))
    }
    // By turns: what slows the machine slows both.
    for (const at of ids.keys()) {
      const order = [[short[at], ofFew] as const, [long[at], ofMany] as const]
      for (const [memory, times] of pass % 2 === 0 ? order : order.reverse()) {
        times.append.push(await micros(() => memory?.append(said(2))))
        times.read.push(await micros(() => memory?.history({ limit: 20 })))
      }
    }
  }
  // The first is to warm up.
  if (round < 0) continue
  for (const what of ['append', 'read'] as const) {
    result.few[what].push(median(ofFew[what]))
    result.many[what].push(median(ofMany[what]))
  }
}
process.send?.(result)
await store.close()
process.disconnect()

async function micros(operation: () => Promise<unknown> | undefined): Promise<number> {
  const began = performance.now()
  await operation()
  return (performance.now() - began) * 1000
}

import { median } from '../statistics.ts'
import { conversations, type Keeper } from './conversations.ts'

/** Microseconds that an operation takes; one value a round. */
export interface GrowthTimes {
  readonly append: number[]
  readonly read: number[]
}

/** What operations take on conversations of each length, in the order of the lengths. */
export type GrowthResult = readonly GrowthTimes[]

const sessions = 8
const passes = 10
/** Shorter ones begin anew with each pass: else they would double while they are measured. */
const lasting = 2000

const [, , keeper = '', rounds, given = '', url] = process.argv
const { open, close } = await conversations(keeper as Keeper, url)
const lengths = given.split(',').map(Number)
const all = lengths.map((length) => ({
  length,
  times: { append: [], read: [] } as GrowthTimes,
  open: Array.from({ length: sessions }, (_, at) => open(`s${length}-${at}`)),
}))
for (const { length, open } of all) for (const each of open) await each.restart(length)

for (let round = -1; round < Number(rounds); round += 1) {
  const found = all.map((): GrowthTimes => ({ append: [], read: [] }))
  for (let pass = 0; pass < passes; pass += 1) {
    for (const { length, open } of all)
      if (length < lasting) for (const each of open) await each.restart(length)
    // By turns: what slows the machine slows all of them.
    for (let at = 0; at < sessions; at += 1) {
      for (const index of turned(all.keys(), pass + at)) {
        const conversation = all[index]?.open[at]
        found[index]?.append.push(await micros(() => conversation?.append()))
        found[index]?.read.push(await micros(() => conversation?.read()))
      }
    }
  }
  // The first is to warm up.
  if (round < 0) continue
  for (const [index, { times }] of all.entries()) {
    times.append.push(median(found[index]?.append ?? []))
    times.read.push(median(found[index]?.read ?? []))
  }
}
process.send?.(all.map(({ times }) => times) satisfies GrowthResult)
await close()
process.disconnect()

function turned(indexes: Iterable<number>, by: number): number[] {
  return by % 2 === 0 ? [...indexes] : [...indexes].reverse()
}

async function micros(operation: () => Promise<unknown> | undefined): Promise<number> {
  const began = performance.now()
  await operation()
  return (performance.now() - began) * 1000
}

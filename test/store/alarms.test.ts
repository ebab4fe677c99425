import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, it } from 'mocha'
import { createAlarms } from '../../lib/providers/alarms.ts'

/** Rings within the time that each of these takes, in order. */
async function order(spans: readonly number[]): Promise<number[]> {
  const alarms = createAlarms()
  const rung: number[] = []
  for (const ms of spans) alarms.after(ms, () => rung.push(ms))
  await sleep(Math.max(...spans) + 100)
  return rung
}

/** What has outlived two collections of the young generation. */
function oldBytes(): number {
  const spaces = getHeapSpaceStatistics()
  return spaces.find(({ space_name }) => space_name === 'old_space')?.space_used_size ?? 0
}

/** Collects garbage. */
function collector(): (options: { readonly type: 'major' | 'minor' }) => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc')
}

/** Keeps the event loop busy. */
function busy(ms: number): void {
  const endMs = performance.now() + ms
  while (performance.now() < endMs);
}

describe('alarms over one timer', () => {
  it('ring in the order in which they are due, whichever was set first', async () => {
    assert.deepEqual(await order([160, 5, 90, 40]), [5, 40, 90, 160])
  })

  it('do not ring once cancelled, nor twice', async () => {
    const alarms = createAlarms()
    const rung: string[] = []
    alarms.after(30, () => rung.push('cancelled')).cancel()
    alarms.after(30, () => rung.push('kept'))
    await sleep(120)
    assert.deepEqual(rung, ['kept'])
  })

  it('ring also where one is set after all others are gone', async () => {
    const alarms = createAlarms()
    alarms.after(100, () => assert.fail()).cancel()
    await sleep(60)
    await new Promise<void>((resolve) => alarms.after(10, resolve))
  })

  it('may be set by one that rings', async () => {
    const alarms = createAlarms()
    await new Promise<void>((resolve) => alarms.after(5, () => alarms.after(5, resolve)))
  })

  it('do not count time in which the process was busy', async () => {
    const alarms = createAlarms()
    let rung = false
    alarms.after(150, () => {
      rung = true
    })
    busy(300)
    await sleep(0)
    assert.equal(rung, false)
  })

  it('ring after 900 ms however busy the process is', async () => {
    const alarms = createAlarms()
    let rung = false
    alarms.after(150, () => {
      rung = true
    })
    busy(950)
    await sleep(1)
    assert.equal(rung, true)
  })

  it('let go of whom they would have rung', () => {
    const collect = collector()
    const alarms = createAlarms()
    const set: { cancel(): void }[] = []
    /** Calls that begin and end in bundles of 16 while 48 others are under way, each with 4 KB. */
    function bundle(number: number): void {
      for (let call = 0; call < 16; call += 1) {
        const numbers = Array.from({ length: 500 }, () => number)
        set.push(alarms.after(60_000, () => assert.fail(`${numbers.length}`)))
      }
      for (const alarm of set.splice(0, set.length - 48)) alarm.cancel()
      if (number % 4 === 0) collect({ type: 'minor' })
    }
    function bundles(count: number): void {
      for (let number = 1; number <= count; number += 1) bundle(number)
    }
    bundles(100)
    collect({ type: 'major' })
    const before = oldBytes()
    bundles(300)
    const kept = oldBytes() - before
    for (const alarm of set) alarm.cancel()
    // They were 19 MB in all; of a set of alarms, 13 were kept.
    assert.ok(kept < 2e6, `${kept} bytes are kept`)
  })
})

import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
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
})

import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'mocha'
import { fineClock } from '../lib/providers/embedded/fine-clock.ts'

const { now } = Date

/** Time passes between a look at the system's clock and whatever comes after it. */
function holdUp(milliseconds: number): void {
  Date.now = () => {
    const told = now()
    const end = performance.now() + milliseconds
    while (performance.now() < end);
    return told
  }
}

/** What a clock tells, and the time of this process before and after that. */
function look(clock: () => number): { before: number; told: number; after: number } {
  const before = performance.now()
  return { before, told: clock(), after: performance.now() }
}

/** By how much a clock has gone further between two looks than this process's own may have. */
function ahead(first: ReturnType<typeof look>, last: ReturnType<typeof look>): number {
  const gone = last.told - first.told
  const [least, most] = [last.before - first.after, last.after - first.before]
  // Numbers of milliseconds since 1970 are exact to a quarter of a microsecond.
  return gone < least - 0.001 ? gone - least : Math.max(0, gone - most - 0.001)
}

describe('the clock of the embedded store', () => {
  afterEach(() => {
    Date.now = now
  })

  it('goes on as it went where the process is held up between two looks', () => {
    const clock = fineClock()
    const first = look(clock)
    for (const milliseconds of [0, 5, 0, 20, 0]) {
      holdUp(milliseconds)
      assert.equal(ahead(first, look(clock)), 0, `after ${milliseconds} ms`)
    }
  })

  it('follows the clock of the system where that is set', () => {
    const clock = fineClock()
    const first = look(clock)
    for (const shift of [3_600_000, -3_600_000, 5000]) {
      Date.now = () => now() + shift
      assert.ok(Math.abs(ahead(first, look(clock)) - shift) < 100, `${shift}`)
    }
  })
})

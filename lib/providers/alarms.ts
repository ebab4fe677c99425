import { setTimeout as afterMs } from 'node:timers'
import { Bag, type InBag } from '../bag.ts'

// An application whose tests stop the clock must not leave calls without an end: what Jest stops is
// the global.
const startTimer = afterMs

const stepMs = 25
const longestMs = 900

/** Rings once, unless it is cancelled before. */
interface Alarm {
  cancel(): void
}

/** Alarms of calls in flight, over one timer: none is set for a call. */
export interface Alarms {
  /**
   * Rings after so many milliseconds in which this process could have read a reply.
   *
   * Time in which the process was busy says nothing of the store, so it is counted in steps: one that
   * ends late counts for little more than a step. However busy, nobody waits for a second.
   */
  after(ms: number, ring: () => void): Alarm
}

interface Pending extends Alarm, InBag {
  /** By the clock that counts steps. */
  readonly dueMs: number
  readonly startedAt: number
  readonly ring: () => void
}

/** Makes alarms. The timer runs while one of them is set. */
export function createAlarms(): Alarms {
  const pending = new Bag<Pending>()
  let timer: NodeJS.Timeout | undefined
  let countedMs = 0
  let steppedAt = 0
  let nextMs = 0

  const counted = (now: number) => countedMs + Math.min(now - steppedAt, stepMs * 1.2)

  function start(ms: number): void {
    nextMs = countedMs + ms
    timer = startTimer(step, ms)
  }

  function step(): void {
    const now = performance.now()
    countedMs = counted(now)
    steppedAt = now
    timer = undefined
    let soonestMs = stepMs
    const due = pending.filter(({ dueMs, startedAt }) => {
      const leftMs = dueMs - countedMs
      if (leftMs < 1 || now - startedAt > longestMs) return true
      soonestMs = Math.min(soonestMs, leftMs)
      return false
    })
    for (const alarm of due.sort(byTime)) {
      // One that rang before it may have cancelled it.
      if (!pending.has(alarm)) continue
      pending.delete(alarm)
      alarm.ring()
    }
    // Who was rung may have begun anew.
    if (pending.size > 0 && timer === undefined) start(soonestMs)
  }

  return {
    after(ms, ring) {
      const startedAt = performance.now()
      if (timer === undefined) {
        steppedAt = startedAt
        start(Math.min(stepMs, ms))
      }
      const dueMs = counted(startedAt) + ms
      if (dueMs < nextMs) {
        clearTimeout(timer)
        start(dueMs - countedMs)
      }
      const cancel = () => pending.delete(alarm)
      const alarm: Pending = { dueMs, startedAt, ring, place: -1, cancel }
      pending.add(alarm)
      return alarm
    },
  }
}

function byTime(one: Pending, other: Pending): number {
  return one.dueMs - other.dueMs
}

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { LimitEvent, SettleEvent } from 'memoryware'

/** What the limits of this process have done since it began: a stand-in for your metrics. */
export interface Counts {
  allowed: number
  refused: number
  /** Of these, without asking the store. */
  remembered: number
  /** What the rule in shadow mode would have refused. */
  shadowed: number
  /** Corrections of what was reserved. */
  settled: number
}

/** Listens to what the limiters publish, until `signal` ends it. */
export function countDecisions(signal: AbortSignal): Readonly<Counts> {
  const counts = { allowed: 0, refused: 0, remembered: 0, shadowed: 0, settled: 0 }
  const decided = (event: unknown) => {
    const { allowed, remembered, shadowed } = event as LimitEvent
    counts[allowed ? 'allowed' : 'refused'] += 1
    if (remembered) counts.remembered += 1
    if (shadowed.length > 0) counts.shadowed += 1
  }
  const settled = (event: unknown) => {
    counts.settled += Object.keys((event as SettleEvent).limits).length > 0 ? 1 : 0
  }
  subscribe('memoryware:limit', decided)
  subscribe('memoryware:settle', settled)
  signal.addEventListener('abort', () => {
    unsubscribe('memoryware:limit', decided)
    unsubscribe('memoryware:settle', settled)
  })
  return counts
}

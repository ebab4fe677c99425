import { runningTimers } from './timers.ts'

/** What a process of streams has, and has used, so far. */
export interface OwnUsage {
  readonly atMs: number
  readonly cpuMicros: number
  readonly rssBytes: number
  readonly heapBytes: number
  readonly timers: number
  /** Pieces that came to clients. */
  readonly pieces: number
  /** Streams that go on. */
  readonly open: number
}

/** What this process uses now, with these streams. */
export function ownUsage(pieces: number, open: number): OwnUsage {
  for (let times = 0; times < 2; times += 1) globalThis.gc?.()
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed } = process.memoryUsage()
  return {
    atMs: performance.now(),
    cpuMicros: user + system,
    rssBytes: rss,
    heapBytes: heapUsed,
    timers: runningTimers(),
    pieces,
    open,
  }
}

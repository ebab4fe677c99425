import { setTimeout as sleep } from 'node:timers/promises'
import { countKept, type Kept } from './fault-kept.ts'
import { ask, type Outcome, say, startFaultLoad } from './fault-load.ts'

/** What became of the requests of one app while something failed. Each counts as one of the first four. */
export interface Counts extends Kept {
  readonly served: number
  /** Answered with a flag that says so. */
  readonly degraded: number
  /** An error, or a broken connection. */
  readonly failed: number
  /** No answer within a second, whatever came later. */
  readonly hung: number
  /** Of all requests; those without an answer are left after 15 s. */
  readonly longestMs: number
  /** How long after the fault was cleared the last request was sent that was not served; 0 if none. */
  readonly backMs: number
  /** Highest resident memory while the fault lasted, above that before it. NaN where nobody tells. */
  readonly grownMb: number
}

/** A fault: how it begins and ends. */
export interface Strike {
  readonly strike: () => unknown
  readonly clear: () => unknown
  readonly forMs: number
  /** It lasts longer where fewer requests than these were sent to each app. @default 0 */
  readonly atLeast?: number
  /** How long the requests go on after it is cleared. @default 3000 */
  readonly watchMs?: number
  /** @default 20: 50 requests a second */
  readonly everyMs?: number
}

interface Served {
  readonly url: string
}

const beforeMs = 500

/** Strikes once while one app is asked steadily, and counts what became of its requests. */
export async function countOutcomes(app: Served, strike: Strike): Promise<Counts> {
  const [counts] = await countTogether([app], strike)
  if (counts === undefined) throw new Error('There is an app, and nothing was counted')
  return counts
}

/** Strikes once while several apps are asked steadily, each as if alone, and counts for each. */
export async function countTogether(
  apps: readonly Served[],
  { strike, clear, forMs, atLeast = 0, watchMs = 3000, everyMs = 20 }: Strike,
): Promise<readonly Counts[]> {
  await Promise.all(apps.map(warmUp))
  const loads = apps.map(({ url }) => startFaultLoad(url, everyMs))
  const memories: Memory[] = []
  let clearedAt = 0
  let outcomes: readonly (readonly Outcome[])[] = []
  try {
    await sleep(beforeMs)
    memories.push(...(await Promise.all(apps.map(watchMemory))))
    await strike()
    await sleep(forMs)
    while (loads.some(({ sent }) => sent < atLeast)) await sleep(everyMs)
    await clear()
    clearedAt = performance.now()
    for (const { stop } of memories) stop()
    await sleep(watchMs)
  } finally {
    for (const { stop } of memories) stop()
    outcomes = await Promise.all(loads.map((load) => load.stop()))
  }
  return Promise.all(
    apps.map(async ({ url }, at) => {
      const own = outcomes[at] ?? []
      const kept = await countKept(url, own)
      return { ...kinds(own), ...times(own, clearedAt), ...kept, grownMb: grown(memories[at]) }
    }),
  )
}

function kinds(outcomes: readonly Outcome[]) {
  const of = (kind: Outcome['kind']) => outcomes.filter((each) => each.kind === kind).length
  return { served: of('served'), degraded: of('degraded'), failed: of('failed'), hung: of('hung') }
}

function times(outcomes: readonly Outcome[], clearedAt: number) {
  const unserved = outcomes.filter(({ kind }) => kind !== 'served').map(({ at }) => at - clearedAt)
  return {
    longestMs: Math.round(Math.max(...outcomes.map(({ ms }) => ms))),
    backMs: Math.round(Math.max(0, ...unserved)),
  }
}

/** A process is slow at its first requests: they are not counted, and come one after the other. */
async function warmUp({ url }: Served): Promise<void> {
  for (let count = 0; count < 50; count += 1) {
    const { kind } = await say(url, 'first', `first-${count}-${performance.now()}`)
    if (kind === 'hung' || kind === 'failed') return
  }
}

interface Memory {
  readonly beforeBytes: number
  readonly highestBytes: number
  stop(): void
}

async function watchMemory({ url }: Served): Promise<Memory> {
  const rss = async () => Number((await ask(`${url}/?rss`, '', 1000)).body ?? Number.NaN)
  const beforeBytes = await rss()
  let highestBytes = beforeBytes
  const timer = setInterval(async () => {
    const bytes = await rss()
    if (bytes > highestBytes) highestBytes = bytes
  }, 200)
  return {
    beforeBytes,
    get highestBytes() {
      return highestBytes
    },
    stop: () => clearInterval(timer),
  }
}

function grown(memory: Memory | undefined): number {
  if (memory === undefined) return Number.NaN
  return Math.round((memory.highestBytes - memory.beforeBytes) / 1024 / 1024)
}

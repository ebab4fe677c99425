import type { Asked, ClockReading } from '../ports/checkup.ts'
import { ok, unknown, type Verdict, warning } from './finding.ts'

const allowedMs = 1000
/** Purges on a Cluster allow for this much. */
const betweenServersMs = 500

/** Whether this machine and the servers agree on the time. */
export function clock(readings: readonly Asked<ClockReading>[]): Verdict {
  const missing = readings.find((each) => 'why' in each)
  if (missing !== undefined && 'why' in missing) return unknown(`Not told: ${missing.why}.`)
  const known = readings.flatMap((each) => ('value' in each ? [each.value] : []))
  const differences = known.map(({ serverMs, sentMs, tookMs }) => serverMs - sentMs - tookMs / 2)
  const uncertainMs = Math.max(0, ...known.map(({ tookMs }) => tookMs / 2))
  const fix = 'Keep all clocks in step by NTP (chrony or systemd-timesyncd).'
  const furthest = differences.reduce(
    (one, other) => (Math.abs(other) > Math.abs(one) ? other : one),
    0,
  )
  if (Math.abs(furthest) > allowedMs + uncertainMs) {
    const side = furthest > 0 ? 'ahead of' : 'behind'
    return warning(`The clock of Redis is ${seconds(furthest)} ${side} this machine's.`, fix)
  }
  const apart = Math.max(...differences) - Math.min(...differences)
  if (apart > betweenServersMs + uncertainMs)
    return warning(
      `The clocks of the Cluster's servers differ by ${seconds(apart)}: purges may miss what is being made.`,
      fix,
    )
  return ok('The clocks of Redis and of this machine agree to within a second.')
}

function seconds(ms: number): string {
  return `${(Math.abs(ms) / 1000).toFixed(1)} s`
}

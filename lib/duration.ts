import ms from 'ms'
import { OptionError } from './errors.ts'

/** A span of time: a number of seconds, as in Redis's EXPIRE, or a string with its unit: `'250ms'`, `'15m'`, `'1h'`. */
export type Duration = number | string

const longestMs = 100 * 365.25 * 86_400_000

/**
 * Turns a duration into whole milliseconds.
 *
 * @throws OptionError naming `option`, when it is not above 0 or longer than a hundred years.
 */
export function toMs(option: string, duration: Duration): number {
  const value = parse(duration)
  if (Number.isFinite(value) && value >= 1 && value <= longestMs) return Math.round(value)
  throw new OptionError(
    option,
    "a duration above 0 (seconds, or a string such as '250ms', '15m', '1h')",
    duration,
  )
}

function parse(duration: Duration): number {
  if (typeof duration === 'number') return duration * 1000
  if (typeof duration !== 'string' || duration.length > 40) return Number.NaN
  // A bare number in a string carries no unit: `ms` would read it as milliseconds, we as nothing.
  if (!/[a-z]$/i.test(duration)) return Number.NaN
  return ms(duration as ms.StringValue) ?? Number.NaN
}

/** Writes milliseconds the way a duration is read: `60000` as `1m`, `1500` as `1500ms`. */
export function toText(durationMs: number): string {
  for (const [unit, length] of units) {
    if (durationMs % length === 0) return `${durationMs / length}${unit}`
  }
  return `${durationMs}ms`
}

const units: readonly [string, number][] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
]

/** What is related to another stack. */
export interface Related {
  readonly perSecond: number
  readonly cpuMicrosPerRequest: number
}

/** What one stack did in one slice of a round. */
export interface Slice extends Related {
  /** CPU time of Redis. */
  readonly redisMicrosPerRequest: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** What the server takes at the end of it. */
  readonly rssBytes: number
}

/** The middle of several rounds, and how far they lie apart. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** A stack relative to the bare handler. */
export interface Ratios {
  readonly perSecond: Spread
  readonly cpu: Spread
}

/**
 * Relates each slice to the bare handler's of the same round, and only then looks over the rounds:
 * what slows the machine in one round slows both.
 *
 * @throws Error where there are not as many rounds of one as of the other.
 */
export function ratios(slices: readonly Related[], bare: readonly Related[]): Ratios {
  if (slices.length !== bare.length)
    throw new Error(`${slices.length} rounds cannot be related to ${bare.length}`)
  const relate = (what: keyof Related) =>
    spread(slices.map((slice, at) => slice[what] / (bare[at]?.[what] ?? Number.NaN)))
  return { perSecond: relate('perSecond'), cpu: relate('cpuMicrosPerRequest') }
}

/** The middle of values. @throws Error without a value. */
export function median(values: readonly number[]): number {
  return spread(values).median
}

/** @throws Error without a value. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const [min] = sorted
  const max = sorted.at(-1)
  const middle = (sorted.length - 1) / 2
  const low = sorted[Math.floor(middle)]
  const high = sorted[Math.ceil(middle)]
  if (min === undefined || max === undefined || low === undefined || high === undefined)
    throw new Error('There is no median of nothing')
  return { median: (low + high) / 2, min, max }
}

/** The smallest value that so large a part of all (0 to 1) is not above. @throws Error without a value. */
export function percentile(values: Iterable<number>, part: number): number {
  const sorted = Float64Array.from(values).sort()
  const value = sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)]
  if (value === undefined) throw new Error('There is no percentile of nothing')
  return value
}

/** The list, begun further on each round, so that no stack always follows the same one or begins. */
export function rotated<T>(list: readonly T[], by: number): T[] {
  const at = list.length === 0 ? 0 : by % list.length
  return [...list.slice(at), ...list.slice(0, at)]
}

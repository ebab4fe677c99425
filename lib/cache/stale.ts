import { type Directives, secondsOf } from './cache-control.ts'
import { currentAgeMs, type Entry } from './entry.ts'
import type { Controls, Freshness } from './freshness.ts'
import { hasValidator } from './validators.ts'

/** How long a response may be used after its life, in milliseconds. */
export interface StaleWindows {
  /** While a new one is made. */
  readonly swrMs: number
  /** Where making a new one fails. */
  readonly sieMs: number
}

/** What the application gives responses of its own accord; `undefined` gives nothing. */
export interface StaleOptions {
  /** `app`: the application goes before the response. */
  readonly mode: 'http' | 'app'
  readonly swrMs: number | undefined
  readonly sieMs: number | undefined
}

/**
 * The windows of a response (RFC 5861), from the directives that rule it, else from the application.
 * A value that is no number is 0. What is stale from the start (`max-age=0`, `no-cache`) has only
 * those that it states itself: whoever writes that wants to be asked. What is strict has none.
 */
export function staleWindows(
  { directives }: Pick<Controls, 'directives'>,
  { lifeMs }: Pick<Freshness, 'lifeMs'>,
  { mode, swrMs, sieMs }: StaleOptions,
): StaleWindows {
  if (isStrict(directives)) return { swrMs: 0, sieMs: 0 }
  const window = (name: string, option: number | undefined): number => {
    const seconds = secondsOf(directives, name)
    const stated = seconds === undefined ? undefined : seconds * 1000
    const given = lifeMs > 0 ? option : undefined
    return (mode === 'app' ? (given ?? stated) : (stated ?? given)) ?? 0
  }
  return {
    swrMs: window('stale-while-revalidate', swrMs),
    sieMs: window('stale-if-error', sieMs),
  }
}

const strictDirectives = ['must-revalidate', 'proxy-revalidate', 's-maxage', 'no-cache']

/** Whether a response must not be used once it is stale (RFC 9111 section 4.2.4). */
export function isStrict(directives: Directives): boolean {
  return strictDirectives.some((name) => directives.has(name))
}

/** An entry with the windows it was stored with. */
type Windowed = Entry & StaleWindows

const failures = new Set([500, 502, 503, 504])

/** Whether an answer with this status is a failure that a stale entry may stand in for (RFC 5861 section 4). */
export function standsInFor(status: number): boolean {
  return failures.has(status)
}

const takingBack = new Set([401, 403, 404, 410, 451])

/**
 * Whether an answer with this status tells the owner of a stored one that it is not theirs to have any
 * more: then nothing of it is given as stale either.
 */
export function takesBack(status: number): boolean {
  return takingBack.has(status)
}

/** The status that an error asks to be answered with, as frameworks read it. */
export function statusOf(error: unknown): number | undefined {
  const { status, statusCode } = Object(error) as { status?: unknown; statusCode?: unknown }
  const named = [status, statusCode].find((each) => typeof each === 'number')
  return named !== undefined && named >= 400 && named <= 599 ? named : undefined
}

/**
 * Whether a stale entry may stand in for what was thrown. An error that names its status is answered
 * with that: a refusal (401, 403, 404) is no failure, and what it refuses is not given instead.
 */
export function standsInForError(error: unknown): boolean {
  const status = statusOf(error)
  return status === undefined || failures.has(status)
}

/**
 * Whether an entry may answer because making a new answer failed (RFC 5861 section 4). One failure
 * never stands in for another. A client that says `no-cache` gets the failure: RFC 9111 section
 * 5.2.1.4 leaves it nothing that was not validated.
 */
export function mayStandIn(entry: Windowed, now: number, directives?: Directives): boolean {
  if (entry.strict || entry.status >= 500 || directives?.has('no-cache')) return false
  return entry.sieMs > 0 && currentAgeMs(entry, now) < entry.lifeMs + entry.sieMs
}

const shortestMs = 60_000
const longestMs = 3_600_000

/**
 * How long an entry is worth keeping after its life: for its windows, for clients that say `max-stale`
 * (a minute), and, where it can be validated, for as long again as it lived: a minute at least, an
 * hour at most.
 */
export function graceMs(entry: Windowed, mode: 'http' | 'app'): number {
  const tolerated = mode === 'http' && !entry.strict ? shortestMs : 0
  const validated = hasValidator(entry.fields)
    ? Math.min(Math.max(entry.lifeMs, shortestMs), longestMs)
    : 0
  return Math.max(entry.swrMs, entry.sieMs, tolerated, validated)
}

import { parseDictionary } from 'structured-headers'
import { cacheControl, type Directives, isBare, secondsOf } from './cache-control.ts'
import { type Fields, lineOf, linesOf } from './fields.ts'
import { httpDate } from './http-date.ts'

/** The directives that rule a shared cache. */
export interface Controls {
  readonly directives: Directives
  /** They come from `CDN-Cache-Control`: `Cache-Control` and `Expires` do not count. */
  readonly targeted: boolean
}

/** How long a response is fresh, and who says so. */
export interface Freshness {
  /** 0 for what must be validated at each use. */
  readonly lifeMs: number
  /** The response itself, the application's `ttl`, or a guess from `Last-Modified`. */
  readonly from: 'origin' | 'ttl' | 'guess'
  /** The response states a life above 0, whether or not the `ttl` goes before it. */
  readonly explicit: boolean
}

const numeric = new Set(['max-age', 's-maxage', 'stale-while-revalidate', 'stale-if-error'])

/** Reads the directives; a `CDN-Cache-Control` that can be read goes before (RFC 9213 section 2.2). */
export function controlsOf(fields: Fields): Controls {
  const targeted = targetedDirectives(lineOf(fields, 'cdn-cache-control'))
  return targeted
    ? { directives: targeted, targeted: true }
    : { directives: cacheControl(fields), targeted: false }
}

function targetedDirectives(line: string | undefined): Directives | undefined {
  if (line === undefined) return undefined
  try {
    const read = new Map<string, readonly (string | undefined)[]>()
    for (const [name, [value]] of parseDictionary(line)) {
      if (value === false || (numeric.has(name) && typeof value !== 'number')) continue
      read.set(name, [value === true ? undefined : String(value)])
    }
    return read.size > 0 ? read : undefined
  } catch {
    // RFC 9213 section 2.1: a field that is no dictionary is ignored.
    return undefined
  }
}

/** What the life of a response is worked out from. */
export interface Measured {
  readonly status: number
  readonly fields: Fields
  readonly controls: Controls
  /** `http`: the origin goes before `ttlMs`. `app`: the other way round. */
  readonly mode: 'http' | 'app'
  /** What the application gives responses of its own accord. */
  readonly ttlMs: number | undefined
  /** Without it a life is guessed from `Last-Modified`. */
  readonly hasTtl: boolean
  readonly now: number
}

/**
 * How long this response is fresh; `undefined` where nobody says. `no-cache` is 0 whatever else stands
 * there (RFC 9111 section 5.2.2.4), and states no life: who writes it does not mean everybody.
 */
export function freshnessOf(response: Measured): Freshness | undefined {
  const { mode, ttlMs, hasTtl, controls } = response
  if (isBare(controls.directives, 'no-cache')) return { lifeMs: 0, from: 'origin', explicit: false }
  const given = explicitSeconds(response)
  const explicit = given !== undefined && given > 0
  if (ttlMs !== undefined && (mode === 'app' || given === undefined))
    return { lifeMs: ttlMs, from: 'ttl', explicit }
  if (given !== undefined) return { lifeMs: given * 1000, from: 'origin', explicit }
  const guessed = hasTtl ? undefined : heuristicMs(response)
  return guessed === undefined ? undefined : { lifeMs: guessed, from: 'guess', explicit: false }
}

/** RFC 9111 section 4.2.1, for a shared cache. */
function explicitSeconds({ fields, controls, now }: Measured): number | undefined {
  const { directives, targeted } = controls
  const stated = secondsOf(directives, 's-maxage') ?? secondsOf(directives, 'max-age')
  if (stated !== undefined || targeted) return stated
  const [expires, another] = linesOf(fields, 'expires')
  if (expires === undefined) return undefined
  const end = another === undefined ? httpDate(expires, now) : undefined
  if (end === undefined) return 0
  const start = httpDate(linesOf(fields, 'date')[0], now) ?? now
  return Math.max(0, Math.floor((end - start) / 1000))
}

const heuristicStatuses = new Set([200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501])
const longestGuessMs = 86_400_000

/** A tenth of the time since the last change (RFC 9111 section 4.2.2), a day at most. */
function heuristicMs({ status, fields, controls, now }: Measured): number | undefined {
  const marked = status < 500 && controls.directives.has('public')
  if (!heuristicStatuses.has(status) && !marked) return undefined
  const changed = httpDate(linesOf(fields, 'last-modified')[0], now)
  const date = httpDate(linesOf(fields, 'date')[0], now) ?? now
  if (changed === undefined || changed >= date) return undefined
  return Math.min((date - changed) / 10, longestGuessMs)
}

/** The age of a response when it came in (RFC 9111 section 4.2.3). */
export function initialAgeMs(
  fields: Fields,
  { requestedAt, now }: { readonly requestedAt: number; readonly now: number },
): number {
  const date = httpDate(linesOf(fields, 'date')[0], now)
  // `Date` has whole seconds: less than one is no age.
  const apparentMs = date === undefined ? 0 : Math.max(0, Math.floor((now - date) / 1000) * 1000)
  const stated = linesOf(fields, 'age')[0]?.split(',')[0]?.trim()
  if (stated === undefined || !/^\d+$/.test(stated)) return apparentMs
  return Math.max(apparentMs, Number(stated) * 1000 + (now - requestedAt))
}

import { cacheControl, namedFields } from '../lib/cache/cache-control.ts'
import type { Entry } from '../lib/cache/entry.ts'
import { linesOf, storableFields } from '../lib/cache/fields.ts'
import {
  type Controls,
  controlsOf,
  type Freshness,
  freshnessOf,
  initialAgeMs,
} from '../lib/cache/freshness.ts'
import { isStrict, type StaleWindows, staleWindows } from '../lib/cache/stale.ts'
import { type Refusal, refusalOf } from '../lib/cache/storable.ts'
import { varyNames } from '../lib/cache/vary.ts'
import type { CacheSettings } from './cache-options.ts'
import { userAppeared } from './cache-request.ts'
import type { CacheableRequest } from './cacheable-request.ts'
import type { Exchange, Fields } from './exchange.ts'
import { requestState } from './request-state.ts'

/** A head that is about to go out, or has gone out. */
export interface AnsweredHead {
  readonly status: number
  /** What the handler set. */
  readonly fields: Fields
  /** All that stands on the response: what outer middlewares forbid counts too. */
  readonly standing: Fields
  /** The handler stated its freshness for this very status. */
  readonly said: boolean
  /** What the application's `ttl` gives it. */
  readonly ttlMs: number | undefined
  readonly requestedAt: number
  readonly now: number
}

/** What follows from a head. */
export interface Decision {
  /** `undefined` where the response may be stored. */
  readonly refusal: Refusal | undefined
  readonly controls: Controls
  readonly names: readonly string[]
  readonly freshness: Freshness | undefined
  readonly ageMs: number
  readonly windows: StaleWindows
}

/** Decides whether an answer with this head may be stored, and for how long. */
export function decide<Native>(
  settings: CacheSettings<Native>,
  { exchange, request }: { exchange: Exchange<Native>; request: CacheableRequest },
  { status, fields, standing, said, ttlMs, requestedAt, now }: AnsweredHead,
): Decision {
  const controls = controlsOf(standing)
  const vary = namesOf(standing)
  const measured = { status, now, ttlMs, mode: settings.mode, hasTtl: settings.ttl !== undefined }
  const freshness = freshnessOf({ ...measured, fields: standing, controls })
  const own = freshnessOf({ ...measured, fields, controls: controlsOf(fields) })
  const ageMs = initialAgeMs(fields, { requestedAt, now })
  const { scoping } = request
  const appeared = userAppeared(exchange, request) ? 'user' : undefined
  const credential = request.credential ?? appeared
  const windows = windowsOf(settings, controls, freshness)
  const refused = refusalOf({
    status,
    fields,
    controls,
    untargeted: cacheControl(standing),
    vary,
    freshness,
    explicitByHandler: own?.explicit === true && (status < 500 || said),
    ageMs,
    windowMs: Math.max(windows.swrMs, windows.sieMs),
    scoping,
    credential,
    memoryUsed: requestState(exchange.req).memoryUsed,
    declined: request.record.declined,
    revalidates: settings.mode === 'http' && exchange.req.method !== 'POST',
    personal: request.personal,
  })
  // What is kept for one guest, or one user, is not kept for who has signed in since.
  const refusal = scoping === 'id' ? (refused ?? appeared) : refused
  return { refusal, controls, names: vary ?? [], freshness, ageMs, windows }
}

function windowsOf<Native>(
  { mode, staleWhileRevalidateMs, staleIfErrorMs }: CacheSettings<Native>,
  controls: Controls,
  freshness: Freshness | undefined,
): StaleWindows {
  const options = { mode, swrMs: staleWhileRevalidateMs, sieMs: staleIfErrorMs }
  return staleWindows(controls, freshness ?? { lifeMs: 0 }, options)
}

/** What it varies by. Whoever compresses varies by what is accepted, said or not. */
function namesOf(standing: Fields): readonly string[] | undefined {
  const names = varyNames(standing)
  const coded = Object.hasOwn(standing, 'content-encoding')
  return coded && names ? [...new Set([...names, 'accept-encoding'])].sort() : names
}

/** An entry that still lacks its body, and when its making began. */
export type Draft = Omit<Entry, 'body' | 'pieces' | 'since'>

/** Begins an entry: without what belongs to one visitor, dated, and with the marks it can be purged by. */
export function draftOf(
  { status, fields, now }: AnsweredHead,
  { controls, freshness, ageMs, windows, marks }: Decision & { readonly marks: readonly string[] },
): Draft {
  const { directives } = controls
  const stored = storableFields(fields, namedFields(directives, 'no-cache'))
  return {
    status,
    fields: { date: new Date(now).toUTCString(), ...stored },
    storedAt: now,
    ageMs,
    lifeMs: freshness?.lifeMs ?? 0,
    explicit: freshness?.explicit ?? false,
    strict: isStrict(directives),
    ...windows,
    marks,
  }
}

/** What was decided as the head came, to be held against what went out. */
export interface Decided {
  readonly status: number
  readonly names: readonly string[]
  /** The `Set-Cookie` that stood there before the cache ran. */
  readonly cookies: readonly string[]
}

/** The head that was really sent. */
export interface SentHead {
  readonly status: number
  readonly standing: Fields
  /** Head and decision both know of a stated life. */
  readonly explicit: boolean
}

/** What changed between the decision and the head that was really sent, and speaks against it. */
export function changeOf(
  { status, names, cookies }: Decided,
  sent: SentHead,
  scoping: CacheableRequest['scoping'],
): Refusal | undefined {
  // Middlewares outside may answer a condition or a range from a whole response.
  const selected = status === 200 && (sent.status === 304 || sent.status === 206)
  if (sent.status !== status && !selected) return 'status'
  const begun = linesOf(sent.standing, 'set-cookie').some((line) => !cookies.includes(line))
  if (begun && scoping === 'none' && !sent.explicit) return 'set-cookie'
  // Whoever compresses outside says so late; what is stored goes through it again.
  const known = (name: string): boolean => names.includes(name) || name === 'accept-encoding'
  return varyNames(sent.standing)?.every(known) ? undefined : 'vary'
}

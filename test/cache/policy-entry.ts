import { cacheControl, type Directives } from '../../lib/cache/cache-control.ts'
import type { Entry } from '../../lib/cache/entry.ts'
import type { Fields } from '../../lib/cache/fields.ts'
import {
  type Controls,
  controlsOf,
  type Freshness,
  freshnessOf,
} from '../../lib/cache/freshness.ts'
import type { StaleWindows } from '../../lib/cache/stale.ts'
import { type Candidate, type Refusal, refusalOf } from '../../lib/cache/storable.ts'
import { varyNames } from '../../lib/cache/vary.ts'

/** When the entries here were made. */
export const made = Date.UTC(2026, 0, 1)

export interface Made extends Entry, StaleWindows {
  readonly marks: readonly string[]
  readonly since: number
  readonly pieces: readonly number[] | undefined
}

/** An entry that is fresh for ten seconds. */
export function entryOf(over: Partial<Made> = {}): Made {
  return {
    status: 200,
    fields: { date: new Date(made).toUTCString() },
    body: Buffer.from('body'),
    storedAt: made,
    ageMs: 0,
    lifeMs: 10_000,
    explicit: true,
    strict: false,
    swrMs: 0,
    sieMs: 0,
    marks: [],
    since: 0,
    pieces: undefined,
    ...over,
  }
}

export function directivesOf(line: string): Directives {
  return cacheControl({ 'cache-control': line })
}

/** What a response with these fields is found to be. */
export function judge(
  fields: Fields,
  over: Partial<Candidate> & { ttlMs?: number; mode?: 'http' | 'app' } = {},
): { refusal: Refusal | undefined; freshness: Freshness | undefined; controls: Controls } {
  const { ttlMs, mode = 'http', status = 200, ...rest } = over
  const controls = controlsOf(fields)
  const measured = { status, fields, controls, mode, ttlMs, hasTtl: ttlMs !== undefined, now: made }
  const freshness = freshnessOf(measured)
  const refusal = refusalOf({
    status,
    fields,
    controls,
    untargeted: cacheControl(fields),
    vary: varyNames(fields),
    freshness,
    explicitByHandler: freshness?.explicit ?? false,
    ageMs: 0,
    scoping: 'none',
    credential: undefined,
    memoryUsed: false,
    declined: false,
    revalidates: true,
    ...rest,
  })
  return { refusal, freshness, controls }
}

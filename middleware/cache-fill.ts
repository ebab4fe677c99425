import { namedFields } from '../lib/cache/cache-control.ts'
import { type CacheFact, cacheStatus } from '../lib/cache/cache-status.ts'
import { conditionalFields, entityTag } from '../lib/cache/conditional.ts'
import type { Entry } from '../lib/cache/entry.ts'
import { lineOf, linesOf, storableFields } from '../lib/cache/fields.ts'
import type { Flights, Lease } from '../lib/cache/flights.ts'
import { type Controls, controlsOf, freshnessOf, initialAgeMs } from '../lib/cache/freshness.ts'
import type { Shelf } from '../lib/cache/shelf.ts'
import { type Refusal, refusalOf } from '../lib/cache/storable.ts'
import { variantOf, varyNames } from '../lib/cache/vary.ts'
import type { Deadline } from '../lib/deadline.ts'
import { toMs } from '../lib/duration.ts'
import { publish } from '../lib/telemetry.ts'
import type { CacheSettings } from './cache-options.ts'
import type { CacheableRequest } from './cache-request.ts'
import type { Exchange, Fields, Observer } from './exchange.ts'
import { requestState } from './request-state.ts'
import { standingFields } from './response-fields.ts'

/** What all requests through one `cacheResponse()` share. */
export interface CacheParts<Native> {
  readonly settings: CacheSettings<Native>
  readonly shelf: Shelf
  readonly flights: Flights<Entry>
}

/** One run of the handler whose answer may be stored. */
export interface FillPlan<Native> {
  readonly exchange: Exchange<Native>
  readonly request: CacheableRequest
  readonly deadline: Deadline
  /** Others wait for this answer. */
  readonly lease: Lease<Entry> | undefined
  readonly fwd: CacheFact['fwd']
}

// A client that says max-stale may have an entry so long after it ended.
const graceMs = 60_000
const strictDirectives = ['must-revalidate', 'proxy-revalidate', 's-maxage', 'no-cache']

/** Follows the handler's answer and stores it where the rules allow. Never delays or fails it. */
export function fill<Native>(parts: CacheParts<Native>, plan: FillPlan<Native>): Observer {
  return new Fill(parts, plan)
}

class Fill<Native> implements Observer {
  readonly #parts: CacheParts<Native>
  readonly #plan: FillPlan<Native>
  readonly #requestedAt = Date.now()
  readonly #giveBack: () => void
  #chunks: Buffer[] = []
  #size = 0
  #draft: Omit<Entry, 'body'> | undefined
  #declared: string | undefined
  #names: readonly string[] = []
  #over = false

  constructor(parts: CacheParts<Native>, plan: FillPlan<Native>) {
    this.#parts = parts
    this.#plan = plan
    this.#giveBack = mustServeAll(parts, plan) ? takeConditionals(plan.exchange.req) : nothing
    // Whatever becomes of this response, those who wait for it do not wait longer than it lives.
    const { res } = plan.exchange
    const leave = (): void => {
      this.#giveBack()
      plan.lease?.abandon()
    }
    if (res.closed || res.destroyed) leave()
    else res.once('close', leave)
  }

  head(status: number, fields: Fields): Fields | false {
    this.#giveBack()
    const { exchange, fwd } = this.#plan
    const before = lineOf(standingFields(exchange.res), 'cache-status')
    const refusal = this.#consider(status, fields)
    if (refusal === undefined) {
      return this.#says(cacheStatus(before, { fwd, stored: true }))
    }
    const bypassed = refusal === 'cookie' || refusal === 'authorization'
    const fact = { fwd: bypassed ? 'bypass' : fwd, detail: refusal } as const
    for (const [name, value] of Object.entries(this.#says(cacheStatus(before, fact))))
      exchange.res.setHeader(name, value)
    this.#refuse(refusal)
    return false
  }

  chunk(bytes: Buffer): void {
    if (this.#over) return
    this.#size += bytes.length
    if (this.#size > this.#parts.settings.maxEntry) this.#refuse('size')
    else this.#chunks.push(bytes)
  }

  end(complete: boolean): void {
    this.#giveBack()
    if (this.#over) return
    const draft = this.#draft
    if (complete && draft) {
      const refusal = this.#reconsider()
      if (refusal) this.#refuse(refusal)
      else this.#store(draft)
    } else {
      this.#over = true
      this.#plan.request.record.passed('miss', 'incomplete')
      this.#plan.lease?.abandon()
    }
  }

  #says(value: string): Fields {
    return this.#parts.settings.cacheStatus ? { 'cache-status': value } : {}
  }

  /** Why this response will not be stored; where it will, a draft is begun. */
  #consider(status: number, fields: Fields): Refusal | undefined {
    const { exchange, request, lease } = this.#plan
    const { shelf, settings } = this.#parts
    const now = Date.now()
    // What outer middlewares forbid counts, though what they set is not stored.
    const all = { ...standingFields(exchange.res), ...fields }
    const controls = controlsOf(all)
    const vary = varyNames(all)
    const freshness = freshnessOf({
      status,
      fields: all,
      controls,
      mode: settings.mode,
      ttlMs: this.#ttlMs(status, fields),
      hasTtl: settings.ttl !== undefined,
      now,
    })
    const ageMs = initialAgeMs(fields, { requestedAt: this.#requestedAt, now })
    const { scoping, credential } = request
    const { declined } = request.record
    const { memoryUsed } = requestState(exchange.req)
    const candidate = { status, fields, controls, vary, freshness, ageMs, scoping, credential }
    const refusal = refusalOf({ ...candidate, memoryUsed, declined })
    if (refusal) return refusal
    this.#declared = lineOf(fields, 'content-length')
    if (Number(this.#declared ?? 0) > settings.maxEntry) return 'size'
    this.#names = vary ?? []
    const names = shelf.learn(request.resource, this.#names)
    lease?.narrow(names, variantOf(names, request.headers))
    this.#draft = {
      status,
      fields: kept(fields, controls, now),
      storedAt: now,
      ageMs,
      lifeMs: freshness?.lifeMs ?? 0,
      explicit: freshness?.explicit ?? false,
      strict: strictDirectives.some((name) => controls.directives.has(name)),
    }
    return undefined
  }

  /** A `ttl` function that fails gives no time to live. */
  #ttlMs(status: number, fields: Fields): number | undefined {
    const { ttl } = this.#parts.settings
    try {
      const given = ttl?.({ status, fields }, this.#plan.exchange.native)
      return given === undefined || given === null ? undefined : toMs('ttl', given)
    } catch (error) {
      publish('error', () => ({ during: 'cache ttl', error }))
      return undefined
    }
  }

  /** What came to light while the body went out. */
  #reconsider(): Refusal | undefined {
    const { exchange, request } = this.#plan
    if (request.record.declined) return 'handler'
    if (requestState(exchange.req).memoryUsed && request.scoping !== 'id') return 'memory'
    const declared = this.#declared
    return declared !== undefined && Number(declared) !== this.#size ? 'length' : undefined
  }

  #refuse(refusal: Refusal): void {
    const { request, lease } = this.#plan
    const { flights } = this.#parts
    this.#over = true
    this.#chunks = []
    const bypassed = refusal === 'cookie' || refusal === 'authorization'
    request.record.passed(bypassed ? 'bypass' : 'miss', refusal)
    if (lease) lease.refuse()
    else if (!request.wish.credentialed) flights.shun(request.resource)
  }

  #store(draft: Omit<Entry, 'body'>): void {
    const { exchange, request, deadline, lease } = this.#plan
    const { shelf, flights, settings } = this.#parts
    this.#over = true
    request.record.passed('miss')
    const body = Buffer.concat(this.#chunks)
    const named = exchange.req.method !== 'POST' && draft.status === 200
    const tagged = named && linesOf(draft.fields, 'etag').length === 0
    const fields = tagged ? { ...draft.fields, etag: entityTag(body) } : draft.fields
    const entry = { ...draft, fields, body }
    const grace = settings.mode === 'http' && !draft.strict ? graceMs : 0
    const { resource, headers } = request
    const written = shelf.keep(
      { resource, headers, deadline },
      { entry, names: this.#names, graceMs: grace },
    )
    if (lease) lease.land(entry, written)
    else flights.welcome(request.resource)
  }
}

/** Fields as they are stored: without what belongs to one visitor, and dated. */
function kept(fields: Fields, { directives }: Controls, now: number): Fields {
  const stored = storableFields(fields, namedFields(directives, 'no-cache'))
  return { date: new Date(now).toUTCString(), ...stored }
}

/** A run whose answer will hardly be stored may use what the client said of its own copy. */
function mustServeAll<Native>(
  { flights }: CacheParts<Native>,
  { request }: FillPlan<Native>,
): boolean {
  return !request.wish.credentialed && !flights.isShunned(request.resource)
}

/** Takes the client's conditions off the request; gives a function that puts them back. */
function takeConditionals(req: Exchange<unknown>['req']): () => void {
  const taken = new Map<string, string | string[]>()
  for (const name of conditionalFields) {
    const value = req.headers[name]
    if (value === undefined) continue
    taken.set(name, value)
    delete req.headers[name]
  }
  return () => {
    for (const [name, value] of taken) req.headers[name] = value
    taken.clear()
  }
}

function nothing(): void {}

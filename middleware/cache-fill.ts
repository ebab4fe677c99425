import { type CacheFact, cacheStatus } from '../lib/cache/cache-status.ts'
import { entityTag } from '../lib/cache/conditional.ts'
import type { Entry } from '../lib/cache/entry.ts'
import { lineOf, linesOf } from '../lib/cache/fields.ts'
import type { Flights, Lease } from '../lib/cache/flights.ts'
import type { Shelf } from '../lib/cache/shelf.ts'
import type { Refusal } from '../lib/cache/storable.ts'
import { variantOf } from '../lib/cache/vary.ts'
import type { Deadline } from '../lib/deadline.ts'
import { toMs } from '../lib/duration.ts'
import { publish } from '../lib/telemetry.ts'
import { type AnsweredHead, changeOf, type Draft, decide, draftOf } from './cache-decision.ts'
import type { CacheSettings } from './cache-options.ts'
import type { CacheableRequest } from './cache-request.ts'
import type { Exchange, Fields, Observer } from './exchange.ts'
import { type FreshnessOrder, watchFreshness } from './freshness-order.ts'
import { takeConditions } from './request-conditions.ts'
import { standingFields } from './response-fields.ts'
import { hasLeft } from './sent.ts'

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

const credentials = new Set<Refusal>(['authorization', 'cookie', 'user'])

// A client that says max-stale may have an entry so long after it ended.
const graceMs = 60_000
// Who waits for a body that is on its way waits no longer than this.
const longestWaitMs = 1000
const endless = /^(?:text\/event-stream|application\/(?:x-)?ndjson)\b/i

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
  #draft: Draft | undefined
  #head: AnsweredHead | undefined
  #names: readonly string[] = []
  #over = false
  readonly #order: FreshnessOrder
  readonly #cookies: readonly string[]
  #waitingFor: NodeJS.Timeout | undefined

  constructor(parts: CacheParts<Native>, plan: FillPlan<Native>) {
    this.#parts = parts
    this.#plan = plan
    this.#giveBack = mustServeAll(parts, plan) ? takeConditions(plan.exchange.req) : nothing
    // Whatever becomes of this response, those who wait for it do not wait longer than it lives.
    const { res } = plan.exchange
    this.#cookies = linesOf(standingFields(res), 'set-cookie')
    this.#order = watchFreshness(res)
    const leave = (): void => {
      this.#giveBack()
      clearTimeout(this.#waitingFor)
      plan.lease?.abandon()
    }
    if (res.closed || res.destroyed) leave()
    else res.once('close', leave)
  }

  head(status: number, fields: Fields): Fields | false {
    this.#giveBack()
    this.#order.stop()
    const { exchange, fwd } = this.#plan
    const before = lineOf(standingFields(exchange.res), 'cache-status')
    const refusal = this.#consider(status, fields)
    if (refusal === undefined) {
      this.#boundWait(fields)
      return this.#says(cacheStatus(before, { fwd, stored: true }))
    }
    const bypassed = credentials.has(refusal)
    const fact = { fwd: bypassed ? 'bypass' : fwd, detail: refusal } as const
    if (!exchange.res.headersSent) {
      for (const [name, value] of Object.entries(this.#says(cacheStatus(before, fact))))
        exchange.res.setHeader(name, value)
    }
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
    this.#order.stop()
    clearTimeout(this.#waitingFor)
    if (this.#over) return
    const refusal = complete ? this.#reconsider() : 'incomplete'
    if (refusal === undefined) this.#store()
    else if (refusal === 'incomplete') this.#fail()
    else this.#refuse(refusal)
  }

  /** Another may fare better than a client that left; a handler that failed would fail them all. */
  #fail(): void {
    const { exchange, request, lease } = this.#plan
    const { res } = exchange
    if (res.closed || res.destroyed || hasLeft(res)) {
      this.#over = true
      this.#chunks = []
      request.record.passed('miss', 'incomplete')
      lease?.abandon()
    } else this.#refuse('incomplete')
  }

  /** A body without an end, or of a client that reads slowly, keeps nobody waiting. */
  #boundWait(fields: Fields): void {
    const { lease } = this.#plan
    if (lease === undefined) return
    if (endless.test(lineOf(fields, 'content-type') ?? '')) lease.part()
    else this.#waitingFor = setTimeout(() => lease.part(), longestWaitMs).unref()
  }

  #says(value: string): Fields {
    return this.#parts.settings.cacheStatus ? { 'cache-status': value } : {}
  }

  /** Why this response will not be stored; where it will, a draft is begun. */
  #consider(status: number, fields: Fields): Refusal | undefined {
    const { exchange } = this.#plan
    const { settings } = this.#parts
    const now = Date.now()
    const standing = { ...standingFields(exchange.res), ...fields }
    const ttlMs = this.#ttlMs(status, fields)
    const said = this.#order.saidOf(status)
    const head = { status, fields, standing, said, ttlMs, requestedAt: this.#requestedAt, now }
    const decision = decide(settings, this.#plan, head)
    if (decision.refusal) return decision.refusal
    this.#head = head
    if (Number(lineOf(fields, 'content-length') ?? 0) > settings.maxEntry) return 'size'
    this.#learn(decision.names)
    this.#draft = draftOf(head, decision)
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

  #learn(names: readonly string[]): void {
    const { request, lease } = this.#plan
    this.#names = names
    const all = this.#parts.shelf.learn(request.resource, names)
    lease?.narrow(all, variantOf(all, request.headers))
  }

  /**
   * Decides again by the head as it went out: middlewares outside change one until then, and a
   * handler may change it until the first byte of its stream.
   */
  #reconsider(): Refusal | undefined {
    const { exchange, request } = this.#plan
    const head = this.#head
    const draft = this.#draft
    if (head === undefined || draft === undefined) return 'incomplete'
    const declared = lineOf(head.fields, 'content-length')
    if (declared !== undefined && Number(declared) !== this.#size) return 'length'
    const standing = standingFields(exchange.res)
    const last = decide(this.#parts.settings, this.#plan, { ...head, standing })
    if (last.refusal) return last.refusal
    const explicit = draft.explicit && (last.freshness?.explicit ?? false)
    const lifeMs = Math.min(draft.lifeMs, last.freshness?.lifeMs ?? 0)
    this.#draft = { ...draft, explicit, lifeMs }
    const decided = { ...head, names: this.#names, cookies: this.#cookies }
    const sent = { status: exchange.res.statusCode, standing, explicit }
    const change = changeOf(decided, sent, request.scoping)
    if (change === undefined && last.names.length > this.#names.length) this.#learn(last.names)
    return change
  }

  #refuse(refusal: Refusal): void {
    const { request, lease } = this.#plan
    const { flights } = this.#parts
    this.#over = true
    this.#chunks = []
    clearTimeout(this.#waitingFor)
    const bypassed = credentials.has(refusal)
    request.record.passed(bypassed ? 'bypass' : 'miss', refusal)
    if (lease) lease.refuse()
    else if (!request.wish.credentialed) flights.shun(request.resource)
  }

  #store(): void {
    const draft = this.#draft
    if (draft === undefined) return
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

/** A run whose answer will hardly be stored may use what the client said of its own copy. */
function mustServeAll<Native>(
  { flights }: CacheParts<Native>,
  { request }: FillPlan<Native>,
): boolean {
  return !request.wish.credentialed && !flights.isShunned(request.resource)
}

function nothing(): void {}

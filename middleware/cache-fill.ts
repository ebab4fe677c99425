import { cacheStatus } from '../lib/cache/cache-status.ts'
import { entityTag } from '../lib/cache/conditional.ts'
import type { Entry } from '../lib/cache/entry.ts'
import { isStream } from '../lib/cache/event-stream.ts'
import { lineOf } from '../lib/cache/fields.ts'
import { Pieces } from '../lib/cache/pieces.ts'
import { graceMs } from '../lib/cache/stale.ts'
import type { Refusal } from '../lib/cache/storable.ts'
import { hasValidator } from '../lib/cache/validators.ts'
import { variantOf } from '../lib/cache/vary.ts'
import { type Begun, Joining } from './cache-joining.ts'
import { Judge } from './cache-judge.ts'
import type { CacheParts, FillPlan } from './cache-parts.ts'
import { onceGone } from './client-gone.ts'
import type { Fields, Observer } from './exchange.ts'
import { replaceConditions } from './request-conditions.ts'
import { standingFields } from './response-fields.ts'
import { hasLeft } from './sent.ts'
import { isWhole } from './stream-end.ts'

const credentials = new Set<Refusal>(['authorization', 'cookie', 'user'])

// Who waits for a body that is on its way waits no longer than this.
const longestWaitMs = 1000
// A run in the background has no client that would leave: what hangs there keeps nobody waiting.
const longestBackgroundMs = 5000

/**
 * Follows the handler's answer and stores it where the rules allow. Never delays or fails it. The
 * handler sees `conditions` in place of the client's.
 */
export class Fill<Native> implements Observer {
  readonly #parts: CacheParts<Native>
  readonly #plan: FillPlan<Native>
  readonly judge: Judge<Native>
  readonly #began = performance.now()
  readonly #giveBack: () => void
  #pieces: Pieces | undefined
  #joining: Joining<Native> | undefined
  /** Lets others read along, once the first piece is here or the head is out. */
  #over = false
  #waitingFor: NodeJS.Timeout | undefined

  constructor(
    parts: CacheParts<Native>,
    plan: FillPlan<Native>,
    conditions?: Readonly<Record<string, string>>,
  ) {
    this.#parts = parts
    this.#plan = plan
    const replaced = conditions !== undefined || mustServeAll(parts, plan)
    this.#giveBack = replaced ? replaceConditions(plan.exchange.req, conditions) : nothing
    // Whatever becomes of this response, those who wait for it do not wait longer than it lives.
    const { res } = plan.exchange
    this.judge = new Judge(parts.settings, plan)
    onceGone(res, () => this.leave())
    if (plan.background) this.#partAfter(longestBackgroundMs)
  }

  /** The request has its conditions back, and nobody waits for it any more. */
  leave(): void {
    this.#giveBack()
    clearTimeout(this.#waitingFor)
    if (this.#over) return
    this.#joining?.end(false)
    this.#plan.audience.abandon()
  }

  /** The answer was seen, and another is given instead. */
  release(): void {
    this.#giveBack()
    this.judge.stop()
    clearTimeout(this.#waitingFor)
    this.#over = true
  }

  head(status: number, fields: Fields): Fields | false {
    this.#giveBack()
    const { exchange, fwd } = this.#plan
    const before = lineOf(standingFields(exchange.res), 'cache-status')
    const refusal = this.judge.consider(status, fields)
    if (refusal === undefined) {
      this.#begin(fields)
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
    const objection = this.judge.objection() ?? this.#joining?.lateRefusal()
    if (objection) {
      this.#refuse(objection)
      return
    }
    this.#joining?.push(bytes)
    this.#pieces?.push(bytes)
    // Whoever reads along goes on reading; whoever comes later finds nothing.
    if (!this.#joining?.isRead && this.#pieces?.isFull) this.#refuse('size')
  }

  end(complete: boolean): void {
    this.#giveBack()
    this.judge.stop()
    clearTimeout(this.#waitingFor)
    if (this.#over) return
    const refusal = complete ? this.#lastRefusal() : 'incomplete'
    if (refusal === undefined) this.#store()
    else if (refusal === 'incomplete' && !complete) this.#fail()
    else this.#refuse(refusal, complete)
  }

  #lastRefusal(): Refusal | undefined {
    const pieces = this.#pieces
    if (pieces === undefined) return 'incomplete'
    if (pieces.isFull) return 'size'
    const refusal = this.judge.reconsider(pieces.size) ?? this.judge.objection()
    if (refusal === undefined && this.judge.marks() === undefined) return 'tags'
    if (refusal !== undefined || !pieces.isStream) return refusal
    return isWhole(this.#parts.settings, pieces) ? undefined : 'incomplete'
  }

  /** Another may fare better than a client that left; a handler that failed would fail them all. */
  #fail(): void {
    const { exchange, request, audience } = this.#plan
    const { res } = exchange
    this.#joining?.end(false)
    if (res.closed || res.destroyed || hasLeft(res)) {
      this.#over = true
      this.#pieces = undefined
      request.record.passed('miss', 'incomplete')
      audience.abandon()
    } else this.#refuse('incomplete')
  }

  #begin(fields: Fields): void {
    const { audience, request } = this.#plan
    const { draft, names } = this.judge
    if (draft === undefined) return
    const stream = isStream(fields)
    this.#pieces = new Pieces(this.#parts.settings.maxEntry, stream)
    const all = this.#parts.shelf.learn(request.resource, names)
    const own = variantOf(all, request.headers)
    audience.narrow(all, own)
    // What is asked about each time is nobody else's answer.
    if (draft.lifeMs <= draft.ageMs) audience.part()
    else if (stream) this.#offer({ draft, names: all, variant: own })
    // A body of a client that reads slowly keeps nobody waiting.
    else this.#partAfter(longestWaitMs)
  }

  /** Lets others read a stream as it grows. */
  #offer(begun: Begun): void {
    const refuse = (refusal: Refusal) => this.#refuse(refusal)
    const { maxEntry } = this.#parts.settings
    this.#joining = new Joining(this.#plan, { judge: this.judge, begun, maxEntry, refuse })
  }

  /** Nobody waits for this answer any more, unless it is there by then. */
  #partAfter(waitMs: number): void {
    clearTimeout(this.#waitingFor)
    this.#waitingFor = setTimeout(() => this.#plan.audience.part(), waitMs).unref()
  }

  #store(): void {
    const pieces = this.#pieces
    const { draft, names } = this.judge
    if (draft === undefined || pieces === undefined) return
    const { exchange, request, audience } = this.#plan
    this.#over = true
    request.record.passed('miss')
    const body = pieces.body()
    const named = exchange.req.method !== 'POST' && draft.status === 200
    const tagged = named && !('etag' in draft.fields) && !hasValidator(draft.fields)
    const fields = tagged ? { ...draft.fields, etag: entityTag(body) } : draft.fields
    const marks = this.judge.marks() ?? draft.marks
    const entry = { ...draft, fields, marks, body, pieces: pieces.times(), since: 0 }
    audience.land(entry, this.#keep(entry, names))
    this.#joining?.end(true)
    if (!audience.isNear) this.#parts.flights.welcome(request.resource)
  }

  /** What nobody can say the beginning of could not be purged. */
  async #keep(entry: Entry, names: readonly string[]): Promise<boolean> {
    const { request, deadline, variant, audience } = this.#plan
    const since = await this.#plan.since
    if (since === undefined || audience.isLost) return false
    const { resource, headers, marks } = request
    const { token } = audience
    return this.#parts.shelf.keep(
      { resource, headers, deadline, marks },
      {
        entry: { ...entry, since },
        names,
        graceMs: graceMs(entry, this.#parts.settings.mode),
        began: this.#began,
        ...(token === undefined ? {} : { fill: { variant, token } }),
      },
    )
  }

  #says(value: string): Fields {
    return this.#parts.settings.cacheStatus ? { 'cache-status': value } : {}
  }

  #refuse(refusal: Refusal, complete = false): void {
    const { request, audience } = this.#plan
    const { flights } = this.#parts
    this.#over = true
    this.#pieces = undefined
    clearTimeout(this.#waitingFor)
    this.#joining?.end(complete)
    const bypassed = credentials.has(refusal)
    request.record.passed(bypassed ? 'bypass' : 'miss', refusal)
    audience.refuse()
    if (!audience.isNear && !request.credentialed) flights.shun(request.resource)
  }
}

/** A run whose answer will hardly be stored may use what the client said of its own copy. */
function mustServeAll<Native>(
  { flights }: CacheParts<Native>,
  { request }: FillPlan<Native>,
): boolean {
  return !request.credentialed && !flights.isShunned(request.resource)
}

function nothing(): void {}

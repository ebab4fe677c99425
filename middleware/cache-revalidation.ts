import type { CacheFact } from '../lib/cache/cache-status.ts'
import type { Entry } from '../lib/cache/entry.ts'
import { storableFields } from '../lib/cache/fields.ts'
import { freshenedFields, isWithdrawn } from '../lib/cache/freshened.ts'
import {
  graceMs,
  mayStandIn,
  standsInFor,
  standsInForError,
  statusOf,
  takesBack,
} from '../lib/cache/stale.ts'
import { type ConditionFields, validatorsOf } from '../lib/cache/validators.ts'
import { variantOf } from '../lib/cache/vary.ts'
import { publish } from '../lib/telemetry.ts'
import { Fill } from './cache-fill.ts'
import type { CacheParts, FillPlan } from './cache-parts.ts'
import type { AnswerReason } from './cache-record.ts'
import type { Fields, Observer } from './exchange.ts'
import { requestState } from './request-state.ts'

/** An answer from an entry that the handler was asked about. */
export interface FromEntry {
  readonly entry: Entry
  readonly status: 'hit' | 'stale'
  readonly reason: AnswerReason
  readonly fact: CacheFact
}

/** What a stored answer is to a run of the handler. */
export interface Revalidated {
  readonly stale: Entry
  /** Answers the client from an entry; `undefined` where it has been answered already. */
  readonly answer: ((from: FromEntry) => void) | undefined
}

/**
 * Follows a handler that was asked whether a stored answer is still right (RFC 9111 section 4.3), or
 * for which one stands in where it fails (RFC 5861 section 4).
 */
export class Revalidation<Native> implements Observer {
  readonly #parts: CacheParts<Native>
  readonly #plan: FillPlan<Native>
  readonly #stale: Entry
  readonly #answer: Revalidated['answer']
  readonly #fill: Fill<Native>
  readonly #asked: ConditionFields
  #instead: FromEntry | undefined

  constructor(parts: CacheParts<Native>, plan: FillPlan<Native>, { stale, answer }: Revalidated) {
    this.#parts = parts
    this.#plan = plan
    this.#stale = stale
    this.#answer = answer
    // To a POST, a condition means something else (RFC 9110 section 13.1.2).
    this.#asked = plan.exchange.req.method === 'POST' ? {} : validatorsOf(stale)
    this.#fill = new Fill(parts, plan, { ...this.#asked })
  }

  head(status: number, fields: Fields): Fields | false | 'withhold' {
    const instead = this.#insteadOf(status, fields)
    if (instead === undefined) {
      const kept = this.#fill.head(status, fields)
      if (kept === false) this.#takeBack(status)
      return kept
    }
    this.#fill.release()
    this.#instead = instead
    return this.#answer ? 'withhold' : false
  }

  chunk(bytes: Buffer): void {
    if (this.#instead === undefined) this.#fill.chunk(bytes)
  }

  end(complete: boolean): void {
    if (this.#instead === undefined) this.#fill.end(complete)
    else this.#reply(this.#instead)
  }

  rescue(error: unknown): boolean {
    const { directives } = this.#plan.request
    this.#takeBack(statusOf(error))
    if (this.#answer === undefined || !standsInForError(error)) return false
    if (!mayStandIn(this.#stale, Date.now(), directives)) return false
    publish('error', () => ({ during: 'cache revalidation', error }))
    this.#fill.release()
    this.#plan.audience.refuse()
    this.#reply(this.#standIn())
    return true
  }

  #insteadOf(status: number, fields: Fields): FromEntry | undefined {
    if (status === 304)
      return Object.keys(this.#asked).length > 0 ? this.#confirmed(fields) : undefined
    const now = Date.now()
    const { directives } = this.#plan.request
    if (!standsInFor(status) || !mayStandIn(this.#stale, now, directives)) return undefined
    this.#plan.audience.refuse()
    return this.#standIn(status)
  }

  /** The handler says that what is stored is still right. */
  #confirmed(fields: Fields): FromEntry {
    const { fwd } = this.#plan
    const merged = freshenedFields(this.#stale, fields, Date.now())
    const entry = this.#freshened(merged)
    const fact: CacheFact = { fwd, fwdStatus: 304, ...(entry ? { stored: true } : {}) }
    // What is not kept is told to this client: caches on the way obey it.
    const told = merged ? { ...this.#stale, fields: storableFields(merged, []) } : this.#stale
    return { entry: entry ?? told, status: 'hit', reason: 'revalidated', fact }
  }

  /** The entry with its new head, where that may be stored; else those who wait make their own. */
  #freshened(merged: Fields | undefined): Entry | undefined {
    const { audience, request } = this.#plan
    const { judge } = this.#fill
    const { body, pieces, status } = this.#stale
    const refusal = merged === undefined ? 'status' : judge.consider(status, merged)
    if (refusal === undefined && judge.draft !== undefined) {
      const entry = { ...judge.draft, body, pieces, since: this.#stale.since }
      const names = this.#parts.shelf.learn(request.resource, judge.names)
      audience.narrow(names, variantOf(names, request.headers))
      audience.land(entry, this.#amend(entry))
      return entry
    }
    audience.refuse()
    if (refusal !== undefined && isWithdrawn(refusal)) this.#drop()
    return undefined
  }

  /** Who refuses the owner of an answer does not want it given to them later. */
  #takeBack(status: number | undefined): void {
    if (status !== undefined && takesBack(status) && this.#plan.request.scoping === 'id')
      this.#drop()
  }

  #drop(): void {
    this.#parts.shelf
      .drop(this.#plan.request.resource)
      .catch((error: unknown) => publish('error', () => ({ during: 'cache drop', error })))
  }

  /** What the handler confirms now is as good as made now. */
  async #amend(entry: Entry): Promise<boolean> {
    const { request, deadline, audience } = this.#plan
    const { resource, headers, marks } = request
    const since = await this.#plan.since
    if (since === undefined || audience.isLost) return false
    await this.#parts.shelf.amend(
      { resource, headers, deadline, marks },
      { ...entry, since },
      this.#fill.judge.names,
      graceMs(entry, this.#parts.settings.mode),
    )
    return true
  }

  #standIn(fwdStatus?: number): FromEntry {
    const fact: CacheFact = { fwd: 'stale', ...(fwdStatus ? { fwdStatus } : {}), detail: 'error' }
    return { entry: this.#stale, status: 'stale', reason: 'error', fact }
  }

  /** Cookies of a run that failed belong to an answer that nobody gets; what it reserved comes back. */
  #forgetFailure(): void {
    this.#fill.judge.takeBackCookies()
    const { failures, limits } = requestState(this.#plan.exchange.req)
    for (const fail of failures.splice(0)) fail()
    limits.spare()
  }

  #reply(from: FromEntry): void {
    const { res } = this.#plan.exchange
    if (res.closed || res.destroyed) return
    if (from.reason === 'error') this.#forgetFailure()
    this.#answer?.(from)
  }
}

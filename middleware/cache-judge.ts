import { lineOf, linesOf } from '../lib/cache/fields.ts'
import { groupsOf } from '../lib/cache/groups.ts'
import { groupMark, marksOf } from '../lib/cache/marks.ts'
import type { Refusal } from '../lib/cache/storable.ts'
import { toMs } from '../lib/duration.ts'
import { publish } from '../lib/telemetry.ts'
import { atOnce } from './at-once.ts'
import { type AnsweredHead, changeOf, type Draft, decide, draftOf } from './cache-decision.ts'
import type { CacheSettings } from './cache-options.ts'
import { tagMarks } from './cache-record.ts'
import { userAppeared } from './cache-request.ts'
import type { CacheableRequest } from './cacheable-request.ts'
import type { Exchange, Fields } from './exchange.ts'
import { type FreshnessOrder, watchFreshness } from './freshness-order.ts'
import { requestState } from './request-state.ts'
import { standingFields } from './response-fields.ts'

/** Whose answer it is. */
interface Subject<Native> {
  readonly exchange: Exchange<Native>
  readonly request: CacheableRequest
}

/** Decides whether one answer may be stored: by its head, by each piece, and once more at its end. */
export class Judge<Native> {
  readonly #settings: CacheSettings<Native>
  readonly #subject: Subject<Native>
  readonly #requestedAt = Date.now()
  readonly #cookies: readonly string[]
  readonly #order: FreshnessOrder
  #head: AnsweredHead | undefined
  #draft: Draft | undefined
  #names: readonly string[] = []

  constructor(settings: CacheSettings<Native>, subject: Subject<Native>) {
    this.#settings = settings
    this.#subject = subject
    const { res } = subject.exchange
    this.#cookies = linesOf(standingFields(res), 'set-cookie')
    this.#order = watchFreshness(res)
  }

  /** When the handler was asked, in milliseconds since 1970. */
  get requestedAt(): number {
    return this.#requestedAt
  }

  /** What will be stored, once the head has been found sound. */
  get draft(): Draft | undefined {
    return this.#draft
  }

  /** What the answer varies by. */
  get names(): readonly string[] {
    return this.#names
  }

  /** The response has only the cookies that stood there before. */
  takeBackCookies(): void {
    const { res } = this.#subject.exchange
    if (this.#cookies.length === 0) res.removeHeader('set-cookie')
    else res.setHeader('set-cookie', [...this.#cookies])
  }

  /** Nothing of the head is watched any more. */
  stop(): void {
    this.#order.stop()
  }

  /** Why an answer with this head must not be stored; where it may, a draft is begun. */
  consider(status: number, fields: Fields): Refusal | undefined {
    this.stop()
    const { res } = this.#subject.exchange
    const standing = { ...standingFields(res), ...fields }
    const ttlMs = this.#ttlMs(status, fields)
    const said = this.#order.saidOf(status)
    const times = { requestedAt: this.#requestedAt, now: Date.now() }
    const head = { status, fields, standing, said, ttlMs, ...times }
    const decision = decide(this.#settings, this.#subject, head)
    if (decision.refusal) return decision.refusal
    this.#head = head
    if (Number(lineOf(fields, 'content-length') ?? 0) > this.#settings.maxEntry) return 'size'
    const marks = this.#marksOf(status, fields)
    if (marks === undefined) return 'tags'
    this.#names = decision.names
    this.#draft = draftOf(head, { ...decision, marks })
    return undefined
  }

  /** What the answer carries now; `undefined` where the handler gave it more tags than it can have. */
  marks(): readonly string[] | undefined {
    const { record } = this.#subject.request
    return this.#together(() => [this.#draft?.marks ?? [], record.marks])
  }

  /** What has happened since its head, and speaks against handing on another piece. */
  objection(): Refusal | undefined {
    const { exchange, request } = this.#subject
    if (request.record.declined) return 'handler'
    if (requestState(exchange.req).memoryUsed && request.scoping !== 'id') return 'memory'
    return userAppeared(exchange, request) ? 'user' : undefined
  }

  /**
   * Decides again by the head as it went out: middlewares outside change one until then, and a
   * handler may change it until the first byte of its stream.
   */
  reconsider(size: number): Refusal | undefined {
    const head = this.#head
    const draft = this.#draft
    if (head === undefined || draft === undefined) return 'incomplete'
    const declared = lineOf(head.fields, 'content-length')
    if (declared !== undefined && Number(declared) !== size) return 'length'
    return this.#again(head, draft)
  }

  /**
   * Decides again by the head as it stands now; `undefined` also while there is none. Whoever hands on
   * what has not ended asks until the head is out: middlewares outside change it until then.
   */
  lateRefusal(): Refusal | undefined {
    return this.#head && this.#draft && this.#again(this.#head, this.#draft)
  }

  #again(head: AnsweredHead, draft: Draft): Refusal | undefined {
    const { exchange, request } = this.#subject
    const standing = standingFields(exchange.res)
    const last = decide(this.#settings, this.#subject, { ...head, standing })
    if (last.refusal) return last.refusal
    const explicit = draft.explicit && (last.freshness?.explicit ?? false)
    const lifeMs = Math.min(draft.lifeMs, last.freshness?.lifeMs ?? 0)
    this.#draft = { ...draft, explicit, lifeMs }
    const decided = { ...head, names: this.#names, cookies: this.#cookies }
    const sent = { status: exchange.res.statusCode, standing, explicit }
    const change = changeOf(decided, sent, request.scoping)
    if (change === undefined && last.names.length > this.#names.length) this.#names = last.names
    return change
  }

  /** A `ttl` function that fails gives no time to live. */
  #ttlMs(status: number, fields: Fields): number | undefined {
    const { ttl } = this.#settings
    try {
      const given = atOnce('ttl', ttl?.({ status, fields }, this.#subject.exchange.native))
      return given === undefined || given === null ? undefined : toMs('ttl', given)
    } catch (error) {
      publish('error', () => ({ during: 'cache ttl', error }))
      return undefined
    }
  }

  #marksOf(status: number, fields: Fields): readonly string[] | undefined {
    const { exchange, request } = this.#subject
    const { native, protocol, host } = exchange
    const origin = `${protocol}://${host}`
    return this.#together(() => [
      request.marks,
      request.record.marks,
      groupsOf(fields).map((name) => groupMark(origin, name)),
      tagMarks(atOnce('tags', this.#settings.tags(native, { status, fields }))),
    ])
  }

  /** What nobody could purge by its tags is not stored. */
  #together(lists: () => readonly (readonly string[])[]): readonly string[] | undefined {
    try {
      return marksOf(lists())
    } catch (error) {
      publish('error', () => ({ during: 'cache tags', error }))
      return undefined
    }
  }
}

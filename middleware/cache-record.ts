import { tagMark } from '../lib/cache/marks.ts'
import type { Credential, Refusal } from '../lib/cache/storable.ts'
import { publish } from '../lib/telemetry.ts'
import type { Exchange } from './exchange.ts'
import { namedByApplication } from './named-by-application.ts'

/**
 * What the cache did: answered, answered with what is past its life, let the handler answer, let
 * another's handler answer, or stood aside.
 */
export type CacheResult = 'hit' | 'stale' | 'miss' | 'collapsed' | 'bypass'

/** Why the cache stood aside before the handler ran. */
export type BypassReason =
  | 'method'
  | 'when'
  | 'scope'
  | 'body'
  | 'multipart'
  | 'size'
  | 'key'
  | 'no-store'
  | 'only-if-cached'
  | 'last-event-id'
  | 'store'
  | Credential

/**
 * Why a stored answer was given that is, or was, past its life: the handler said that it is still
 * right, a new one is being made, making one failed, or the client takes it.
 */
export type AnswerReason = 'revalidated' | 'revalidating' | 'error' | 'max-stale'

/** What the cache does with this request, as `req.cache` and `ctx.cache` show it. */
export interface CacheControl {
  /**
   * `hit`, `stale` (answered with what is past its life), `miss`, `collapsed` (answered with what an
   * equal request at the same time got) or `bypass`.
   */
  readonly status: CacheResult
  /**
   * Why it was bypassed, why the response was not stored, or why what is given is, or was, past its
   * life.
   */
  readonly reason: string | undefined
  /** Seconds since the answer was made, where it came from the cache. */
  readonly age: number | undefined
  /** The store was away. */
  readonly degraded: boolean
  /** What `purge({ key })` knows the response by; `undefined` where it is bypassed. */
  readonly key: string | undefined
  /** Keeps this response out of the cache, also once its head has gone out. */
  noStore(): void
  /**
   * Gives the response tags, by which `purge({ tags })` finds it, until it has ended.
   *
   * @throws UsageError for a tag that is no text of 1 to 128 bytes, or a whole number.
   */
  tag(...tags: readonly (string | number)[]): void
}

type Reason = BypassReason | Refusal | AnswerReason

/** What is known of one request, and shown of it. */
export class CacheRecord {
  #status: CacheResult = 'miss'
  #reason: Reason | undefined
  #age: number | undefined
  #degraded = false
  #declined = false
  #published = false
  #attached = false
  #marks: readonly string[] = []
  #shown: CacheControl | undefined
  /** Key of the resource, once it is known. */
  resource: string | undefined

  /** What handlers see of it. Most never look: it is made for who does. */
  get shown(): CacheControl {
    this.#shown ??= this.#show()
    return this.#shown
  }

  #show(): CacheControl {
    const read = (): CacheRecord => this
    return {
      get status() {
        return read().#status
      },
      get reason() {
        return read().#reason
      },
      get age() {
        return read().#age
      },
      get degraded() {
        return read().#degraded
      },
      get key() {
        return read().resource
      },
      noStore: () => {
        this.#declined = true
      },
      tag: (...tags) => {
        this.#marks = [...this.#marks, ...tagMarks(tags)]
      },
    }
  }

  /** Shows it where handlers look for it. */
  attach<Native>(exchange: Exchange<Native>): void {
    if (this.#attached) return
    this.#attached = true
    exchange.attach('cache', () => this.shown)
  }

  /** The handler asked not to store. */
  get declined(): boolean {
    return this.#declined
  }

  /** Marks of the tags that the handler gave. */
  get marks(): readonly string[] {
    return this.#marks
  }

  /** The store is away. */
  degrade(): void {
    this.#degraded = true
  }

  /** Answered from an entry. */
  answered(status: 'hit' | 'stale' | 'collapsed', age: number, reason?: AnswerReason): void {
    this.#age = age
    this.#close(status, reason)
  }

  /** The handler answers; the reason says why that is not, or was not, stored. */
  passed(status: 'miss' | 'bypass', reason?: BypassReason | Refusal): void {
    this.#close(status, reason)
  }

  #close(status: CacheResult, reason: Reason | undefined): void {
    this.#status = status
    this.#reason = reason
    if (this.#published) return
    this.#published = true
    publish('cache', () => ({ status, reason, degraded: this.#degraded }))
  }
}

/** @throws UsageError for what is no tag. */
export function tagMarks(tags: readonly unknown[]): readonly string[] {
  return namedByApplication(() => tags.map(tagMark))
}

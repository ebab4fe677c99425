import type { Credential, Refusal } from '../lib/cache/storable.ts'
import { publish } from '../lib/telemetry.ts'
import type { Exchange } from './exchange.ts'

/** What the cache did: answered, let the handler answer, let another's handler answer, or stood aside. */
export type CacheResult = 'hit' | 'miss' | 'collapsed' | 'bypass'

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
  | 'store'
  | Credential

/** What the cache does with this request, as `req.cache` and `ctx.cache` show it. */
export interface CacheControl {
  /** `hit`, `miss`, `collapsed` (answered with what an equal request at the same time got) or `bypass`. */
  readonly status: CacheResult
  /** Why it was bypassed, or why the response was not stored. */
  readonly reason: string | undefined
  /** Seconds since the answer was made, where it came from the cache. */
  readonly age: number | undefined
  /** The store was away. */
  readonly degraded: boolean
  /** Keeps this response out of the cache, also once its head has gone out. */
  noStore(): void
}

/** What is known of one request, and shown of it. */
export class CacheRecord {
  #status: CacheResult = 'miss'
  #reason: BypassReason | Refusal | undefined
  #age: number | undefined
  #degraded = false
  #declined = false
  #published = false
  #attached = false
  readonly shown: CacheControl

  constructor() {
    const read = (): CacheRecord => this
    this.shown = {
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
      noStore: () => {
        this.#declined = true
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

  /** The store is away. */
  degrade(): void {
    this.#degraded = true
  }

  /** Answered from an entry. */
  answered(status: 'hit' | 'collapsed', age: number): void {
    this.#age = age
    this.#close(status, undefined)
  }

  /** The handler answers; the reason says why that is not, or was not, stored. */
  passed(status: 'miss' | 'bypass', reason?: BypassReason | Refusal): void {
    this.#close(status, reason)
  }

  #close(status: CacheResult, reason: BypassReason | Refusal | undefined): void {
    this.#status = status
    this.#reason = reason
    if (this.#published) return
    this.#published = true
    publish('cache', () => ({ status, reason, degraded: this.#degraded }))
  }
}

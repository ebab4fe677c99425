import type { Entry } from './entry.ts'
import type { Lease } from './flight.ts'
import type { Lead } from './leading.ts'
import type { Live } from './live.ts'

/** Those who wait for one answer, in this process and in others. */
export class Audience {
  readonly #lease: Lease<Entry> | undefined
  readonly #lead: Lead | undefined

  constructor(lease: Lease<Entry> | undefined, lead: Lead | undefined) {
    this.#lease = lease
    this.#lead = lead
  }

  /** Somebody may be waiting in this process. */
  get isNear(): boolean {
    return this.#lease !== undefined
  }

  /** The token of the fill that others know this answer by. */
  get token(): string | undefined {
    return this.#lead?.token
  }

  /** Another process may make the answer by now: what it keeps must not be overwritten. */
  get isLost(): boolean {
    return this.#lead?.lost === true
  }

  /** The answer varies by these fields: who asks for another variant need not wait. */
  narrow(names: readonly string[], variant: string): void {
    this.#lease?.narrow(names, variant)
  }

  /** The answer can be read as it grows. */
  join(live: Live): void {
    this.#lease?.live(live)
    this.#lead?.live(live)
  }

  /**
   * The answer takes long: nobody waits for it any more, here or in other processes. It may still
   * come, and be kept.
   */
  part(): void {
    this.#lease?.part()
    this.#lead?.end('refused')
  }

  /** The answer may not be shared: everybody runs on their own, for some seconds. */
  refuse(): void {
    this.#lease?.refuse()
    this.#lead?.end('refused')
  }

  /** There will be no answer: one of those who wait makes it. */
  abandon(): void {
    this.#lease?.abandon()
    this.#lead?.end('failed')
  }

  /** Here is the answer; others find it in the store once it is written. */
  land(entry: Entry, written: Promise<boolean>): void {
    this.#lease?.land(entry, written)
    written.then(
      (kept) => this.#lead?.end(kept ? 'kept' : 'failed'),
      () => this.#lead?.end('failed'),
    )
  }
}

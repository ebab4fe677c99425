const forgivenAfterMs = 1000

/**
 * How long one request may wait for the store, over all its calls.
 *
 * Time that a failed call took is gone for the request's next calls; a call that succeeded costs
 * nothing, so a handler that makes a thousand quick calls never runs out. A second after the last
 * failure the whole time is there again: a handler that thought for ten seconds may try anew.
 */
export class Deadline {
  readonly #totalMs: number
  #spentMs = 0
  #failedAt = 0

  constructor(totalMs: number) {
    this.#totalMs = totalMs
  }

  /** Milliseconds the next call may take. */
  remaining(now: number = performance.now()): number {
    if (this.#spentMs > 0 && now - this.#failedAt > forgivenAfterMs) this.#spentMs = 0
    return Math.max(0, this.#totalMs - this.#spentMs)
  }

  /** A call that began at `startedAt` has failed. */
  failed(startedAt: number, now: number = performance.now()): void {
    this.#spentMs += now - startedAt
    this.#failedAt = now
  }
}

/** What a caller may hand along with a call to a store. */
export interface Call {
  /** @default the store's own, for this call alone */
  readonly deadline?: Deadline | undefined
  /** Set by whoever waits for the call. */
  readonly wait?: Wait | undefined
}

/** Somebody's waiting for one call. */
export interface Wait {
  /** Nobody waits any more: nothing may be sent. */
  over: boolean
  /** Something was sent; `undefined` where the provider does not tell. */
  sent: boolean | undefined
}

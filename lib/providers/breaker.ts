const failuresToOpen = 5
const probesAfterMs = 1000

/** Who is told that calls begin to fail, and that they succeed again. */
export interface BreakerEvents {
  onLost(error: unknown): void
  onBack(): void
}

/**
 * Counts failures. After five in a row nobody is let through; a second later one is, as a probe, and
 * what becomes of it decides.
 */
export class Breaker {
  readonly #events: BreakerEvents
  #state: 'closed' | 'open' | 'probing' = 'closed'
  #failures = 0
  #openedAt = 0
  #lost = false

  constructor(events: BreakerEvents) {
    this.#events = events
  }

  /** Calls fail at once. */
  get open(): boolean {
    return this.#state !== 'closed'
  }

  /** Whether a call may be sent now. While a probe is out, no other may. */
  admits(): boolean {
    if (this.#state === 'closed') return true
    if (this.#state === 'probing' || performance.now() - this.#openedAt < probesAfterMs)
      return false
    this.#state = 'probing'
    return true
  }

  /** A call has got what it asked for. */
  succeeded(): void {
    // One that was sent before the others failed says nothing of what is now.
    if (this.#state === 'open') return
    this.#state = 'closed'
    this.#failures = 0
    if (!this.#lost) return
    this.#lost = false
    this.#events.onBack()
  }

  /** A call was answered, and refused. */
  answered(): void {
    if (this.#state === 'probing') this.#state = 'closed'
  }

  /** What is behind could not be reached, or did not answer in time. */
  failed(error: unknown): void {
    this.#failures += 1
    if (this.#state === 'open' || this.#failures < failuresToOpen) return
    this.#state = 'open'
    this.#openedAt = performance.now()
    if (this.#lost) return
    this.#lost = true
    this.#events.onLost(error)
  }

  /** Lets the next call through at once; the count stays, so that one failure opens again. */
  reset(): void {
    if (this.#state === 'open') this.#state = 'closed'
  }
}

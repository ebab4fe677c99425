import { checkRuleNames } from '../lib/limit/amount.ts'
import type { Reservation } from '../lib/limit/reservation.ts'
import { type LimitStanding, type Standing, standingsByName } from '../lib/limit/verdict.ts'
import { publish } from '../lib/telemetry.ts'

/** Where a request stands: `req.rateLimit`, `ctx.rateLimit`. */
export interface RateLimitState {
  /** Every rule that applied, of all limiters the request has passed; after what was settled. */
  readonly limits: Readonly<Record<string, LimitStanding>>
  /** Decided in this process, because the store is away. */
  readonly degraded: boolean
  /**
   * Puts what the request really cost in the place of what was taken, by the rules' names: less gives
   * back, more becomes debt, 0 gives all back. The last amount told holds; telling it again changes
   * nothing. What belongs to a window that is over is passed over. A store that is away does not make
   * it fail: what was taken stays counted.
   *
   * @throws UsageError for a name that no limiter of this request has, or an amount that is no whole
   * number of at least 0.
   */
  settle(used: Readonly<Record<string, number>>): Promise<void>
  /**
   * Settles the rules whose `unit` is `tokens` (`input-tokens`, `output-tokens`) by what a model has
   * told: the usage object of OpenAI, Anthropic or the AI SDK, or the response or piece of a stream
   * that carries one. False where it carries none, so that every piece may be handed in.
   */
  settleUsage(usage: unknown): Promise<boolean>
  /** Ends the request's slots before its response does, and gives back reservations not yet settled. */
  release(): Promise<void>
}

/** What one limiter came to. */
export interface Found {
  /** Of all its rules, also those that did not apply. */
  readonly names: readonly string[]
  readonly standings: readonly Standing[]
  readonly degraded: boolean
  readonly reservation?: Reservation | undefined
  /** Tells the client where it stands by now, while the response has not begun. */
  readonly refresh?: () => void
}

/** What the limiters of one request have come to. */
export class RequestLimits implements RateLimitState {
  readonly #found: Found[] = []

  /** Adds what one more limiter came to. */
  add(found: Found): void {
    this.#found.push(found)
  }

  get limits(): Readonly<Record<string, LimitStanding>> {
    return standingsByName(this.standings())
  }

  get degraded(): boolean {
    return this.#found.some(({ degraded }) => degraded)
  }

  /** Of all limiters, in the order in which the request passed them. */
  standings(): readonly Standing[] {
    return this.#found.flatMap(
      ({ standings, reservation }) => reservation?.standings() ?? standings,
    )
  }

  async settle(used: Readonly<Record<string, number>>): Promise<void> {
    checkRuleNames(used, new Set(this.#found.flatMap(({ names }) => names)))
    await this.#each((reservation) => reservation.settle(used))
  }

  async settleUsage(usage: unknown): Promise<boolean> {
    let told = false
    await this.#each(async (reservation) => {
      if (await reservation.settleUsage(usage)) told = true
    })
    return told
  }

  async release(): Promise<void> {
    await this.#each((reservation) => reservation.release())
  }

  /** What was reserved for is not done: the cache has the answer, or a limiter further in refuses. */
  spare(): void {
    if (this.#found.every(({ reservation }) => !reservation?.ends)) return
    this.release().catch((error: unknown) => {
      publish('error', () => ({ during: 'release', error }))
    })
  }

  /** What `JSON.stringify` writes: a handler may answer with it. */
  toJSON(): Pick<RateLimitState, 'limits' | 'degraded'> {
    return { limits: this.limits, degraded: this.degraded }
  }

  async #each(change: (reservation: Reservation) => Promise<void>): Promise<void> {
    await Promise.all(
      this.#found.map(async ({ reservation, refresh }) => {
        if (reservation === undefined) return
        await change(reservation)
        refresh?.()
      }),
    )
  }
}

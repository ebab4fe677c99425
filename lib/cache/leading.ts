import type { FillEnd, FillPlace, Fills } from '../ports/fills.ts'
import type { Batch } from '../ports/turns.ts'
import type { Beats, Pulse } from '../pulse.ts'
import { publish } from '../telemetry.ts'
import type { Live, Tap } from './live.ts'
import { encodePieces, type LivePiece } from './live-pieces.ts'

/** A fill whose process has not been heard of for so long counts as abandoned. */
export const leaseMs = 3000

const renewEveryMs = 1000
const retryAfterMs = 250
const batchBytes = 256 * 1024
// Those who wait ask each second where they have heard nothing.
const keepMs = 10_000
const aloneMs = 5000

/** The duty of the process that makes an answer for all. */
export interface Lead {
  /** When the answer began to be made, as `Entries.clock()` tells it. */
  readonly since: number
  /** Only with it is the answer kept. */
  readonly token: string
  /** Somebody else may make it by now. */
  readonly lost: boolean
  /**
   * The answer may be followed from now on, from its first byte. It is sent, with all that came
   * before, while somebody in another process waits.
   */
  live(live: Live): void
  /** Ends it, once; what is not sent yet goes before. Never rejects. */
  end(how: FillEnd): void
}

/** What a lead works with. */
interface LeadParts {
  readonly fills: Fills
  readonly place: FillPlace
  readonly token: string
  readonly since: number
  /** When the lease was taken, at the latest: `performance.now()`. */
  readonly takenAt: number
  /** Beats more often than a lease is renewed. */
  readonly leases: Pulse<Leading>
  /** It is over, whichever way. */
  over(): void
}

/**
 * Holds a lease, and sends what is to be sent: one call at a time, and what comes meanwhile goes with
 * the next. A store that fails is tried again until the lease must have run out.
 */
export class Leading implements Lead {
  readonly #parts: LeadParts
  readonly #lease: Beats
  #renewedAt: number
  #retryAt = 0
  #working: Promise<void> | undefined
  #watched = false
  #asks = false
  #live: Live | undefined
  #tap: Tap | undefined
  /** `broken`: those who follow are still to be told. */
  #sending: 'not yet' | 'on' | 'broken' | 'over' = 'not yet'
  /** Number of the last piece that was gathered. */
  #last = 0
  /** On its way, or failed and goes again as it was. */
  #batch: Batch | undefined
  #how: FillEnd | undefined
  #state: 'held' | 'lost' | 'over' = 'held'

  constructor(parts: LeadParts) {
    this.#parts = parts
    this.#renewedAt = parts.takenAt
    this.#lease = parts.leases.of(this)
    this.#lease.begin()
  }

  get since(): number {
    return this.#parts.since
  }

  get token(): string {
    return this.#parts.token
  }

  get lost(): boolean {
    this.#check(performance.now())
    return this.#state === 'lost'
  }

  live(live: Live): void {
    this.#live ??= live
    void this.#work()
  }

  end(how: FillEnd): void {
    this.#how ??= how
    void this.#work()
  }

  /** Asks whether somebody waits: that may not have been heard. */
  ask(): void {
    this.#asks = true
    void this.#work()
  }

  /** Ends it where the store is about to close, unless it does not answer. */
  async close(): Promise<void> {
    this.#how ??= 'failed'
    await this.#work()
  }

  /** Somebody in another process waits. */
  watched(): void {
    this.#watched = true
    void this.#work()
  }

  beat(now: number): void {
    this.#check(now)
    void this.#work()
  }

  /** Whoever was frozen, or could not reach the store, for as long as a lease is no longer holds it. */
  #check(now: number): void {
    if (this.#state === 'held' && now - this.#renewedAt >= leaseMs) this.#close('lost')
  }

  /** Does what is to be done; resolves when it is, or the store has failed. */
  #work(): Promise<void> {
    if (this.#working) return this.#working
    const call = performance.now() < this.#retryAt ? undefined : this.#next()
    if (call === undefined) return Promise.resolve()
    this.#working = this.#run(call)
    return this.#working
  }

  async #run(first: () => Promise<void>): Promise<void> {
    try {
      for (let call = first as typeof first | undefined; call; call = this.#next()) await call()
    } catch (error) {
      publish('error', () => ({ during: 'cache fill', error }))
      this.#retryAt = performance.now() + retryAfterMs
    }
    // In the same turn as the last look for something to do: nothing falls between the two.
    this.#working = undefined
  }

  /** What is to be done now, if anything. */
  #next(): (() => Promise<void>) | undefined {
    if (this.#state !== 'held') return undefined
    const batch = this.#batch ?? this.#gather()
    this.#batch = batch
    if (batch !== undefined) return () => this.#write(batch)
    const how = this.#how
    if (how !== undefined) return () => this.#end(how)
    const due = performance.now() - this.#renewedAt >= renewEveryMs
    return due || this.#asks ? () => this.#renew() : undefined
  }

  async #write(batch: Batch): Promise<void> {
    const { fills, place, token } = this.#parts
    const sentAt = performance.now()
    const held = await fills.write(place, token, batch, leaseMs)
    this.#batch = undefined
    this.#heard(held, sentAt)
  }

  async #renew(): Promise<void> {
    const { fills, place, token } = this.#parts
    const sentAt = performance.now()
    this.#asks = false
    const renewed = await fills.renew(place, token, leaseMs)
    if (renewed === 'watched') this.#watched = true
    this.#heard(renewed !== 'lost', sentAt)
  }

  async #end(how: FillEnd): Promise<void> {
    const { fills, place, token } = this.#parts
    await fills.end(place, token, how, { keepMs, aloneMs })
    this.#close('over')
  }

  #heard(held: boolean, sentAt: number): void {
    if (held) this.#renewedAt = sentAt
    else this.#close('lost')
  }

  #close(state: 'lost' | 'over'): void {
    if (this.#state !== 'held') return
    this.#state = state
    this.#batch = undefined
    this.#tap?.close()
    this.#live = undefined
    this.#lease.end()
    this.#parts.over()
  }

  /** The pieces to send next, where there are any and somebody waits. */
  #gather(): Batch | undefined {
    const live = this.#live
    if (live === undefined || !this.#watched || this.#sending === 'over') return undefined
    const pieces = this.#sending === 'not yet' ? this.#begin(live) : this.#more()
    if (pieces.length === 0) return undefined
    this.#last += pieces.length
    return { last: this.#last, bytes: encodePieces(this.#parts.place.key, pieces) }
  }

  #begin(live: Live): readonly LivePiece[] {
    // What has ended is told by its end.
    if (this.#how !== undefined) return []
    this.#sending = 'on'
    this.#tap = live.tap({
      more: () => void this.#work(),
      broke: () => {
        this.#sending = 'broken'
        void this.#work()
      },
    })
    const { head, maxBytes } = live
    return this.#tap ? [{ kind: 'head', head, maxBytes }, ...this.#more()] : this.#more()
  }

  #more(): readonly LivePiece[] {
    const tap = this.#tap
    if (this.#sending === 'broken' || tap === undefined) {
      this.#sending = 'over'
      return [{ kind: 'broken' }]
    }
    const pieces: LivePiece[] = []
    for (let size = 0; size < batchBytes; ) {
      const bytes = tap.take()
      if (bytes === undefined) break
      size += bytes.length
      pieces.push({ kind: 'body', bytes })
    }
    if (!tap.done) return pieces
    tap.close()
    this.#sending = 'over'
    return [...pieces, { kind: 'complete' }]
  }
}

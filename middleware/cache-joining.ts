import { Live } from '../lib/cache/live.ts'
import type { Refusal } from '../lib/cache/storable.ts'
import type { Draft } from './cache-decision.ts'
import type { Judge } from './cache-judge.ts'
import type { FillPlan } from './cache-parts.ts'
import { paceByReaders } from './reader-pace.ts'

/** The head of a stream that others may read. */
export interface Begun {
  readonly draft: Draft
  readonly names: readonly string[]
  readonly variant: string
}

/** A stream that may be read by others as it grows. */
interface Offered<Native> {
  readonly judge: Judge<Native>
  readonly begun: Begun
  readonly maxEntry: number
  /** Its head, as it went out, must not be shared after all. */
  readonly refuse: (refusal: Refusal) => void
}

/**
 * Lets others read a stream as it grows, from its first piece, or once its head is out: until then
 * middlewares outside may change that head into one that nobody else may have.
 */
export class Joining<Native> {
  readonly #plan: FillPlan<Native>
  readonly #offered: Offered<Native>
  #live: Live | undefined
  #isOut = false
  #over = false

  constructor(plan: FillPlan<Native>, offered: Offered<Native>) {
    this.#plan = plan
    this.#offered = offered
    setImmediate(() => this.#openOnceOut())
  }

  /** Others may read it by now. */
  get isRead(): boolean {
    return this.#live !== undefined
  }

  /** What middlewares outside have done to the head, and speaks against sharing it. */
  lateRefusal(): Refusal | undefined {
    if (this.#isOut) return undefined
    this.#isOut = this.#plan.exchange.res.headersSent
    return this.#offered.judge.lateRefusal()
  }

  push(bytes: Buffer): void {
    this.#open()
    this.#live?.push(bytes)
  }

  /** Where it is not complete, those who read it are given up. */
  end(complete: boolean): void {
    this.#over = true
    this.#live?.end(complete)
  }

  #openOnceOut(): void {
    if (this.#over || !this.#plan.exchange.res.headersSent) return
    const objection = this.#offered.judge.objection() ?? this.lateRefusal()
    if (objection) this.#offered.refuse(objection)
    else this.#open()
  }

  #open(): void {
    const { since, audience, exchange } = this.#plan
    // Without a beginning that is known, nobody waits for it.
    if (this.#live !== undefined || this.#over || typeof since !== 'number') return
    const { begun, maxEntry } = this.#offered
    const { draft, names, variant } = begun
    this.#live = new Live({ entry: { ...draft, since }, names, variant }, maxEntry)
    paceByReaders(exchange.res, this.#live)
    audience.join(this.#live)
  }
}

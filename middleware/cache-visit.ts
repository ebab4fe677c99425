import type { CacheFact } from '../lib/cache/cache-status.ts'
import { currentAgeMs, type Entry } from '../lib/cache/entry.ts'
import { type Use, useOf, wantsNew } from '../lib/cache/reuse.ts'
import type { Looked } from '../lib/cache/shelf.ts'
import { HeadUpdate } from './cache-head.ts'
import { followerOf, type Look } from './cache-look.ts'
import { Making } from './cache-making.ts'
import type { CacheParts } from './cache-parts.ts'
import { Replies, type Told } from './cache-replies.ts'
import type { Exchange, Outcome } from './exchange.ts'

type Found = Pick<Extract<Looked, { kind: 'found' }>, 'entry' | 'ownBody' | 'seen'>

/** How one request is answered, once the store has said what it has. */
export class Visit<Native> {
  readonly #parts: CacheParts<Native>
  readonly #exchange: Exchange<Native>
  readonly #look: Look
  readonly #replies: Replies<Native>

  constructor(parts: CacheParts<Native>, exchange: Exchange<Native>, look: Look) {
    this.#parts = parts
    this.#exchange = exchange
    this.#look = look
    this.#replies = new Replies(parts.settings, exchange, look.request)
  }

  answer(found: Found): Outcome | Promise<Outcome> {
    const { entry: stored } = found
    const { request, flight } = this.#look
    // The write may have ended between our question and the store's answer.
    const known = stored ?? this.#parts.flights.copyOf(flight, followerOf(this.#exchange, request))
    const entry = known && this.#replies.continues(known) ? known : undefined
    const now = Date.now()
    const use = entry && useOf(entry, request, now)
    if (entry && use === 'use') return this.#hit(entry, now, found)
    request.record.attach(this.#exchange)
    request.keepHeaders()
    const making = new Making(this.#parts, {
      exchange: this.#exchange,
      look: this.#look,
      replies: this.#replies,
      seen: found.seen,
      fwd: fwdOf(use),
      stale: isRevalidated(use) ? entry : undefined,
    })
    if (entry && use === 'stale-while-revalidate' && request.repeatable)
      return this.#stale(entry, making)
    return this.#absent(use, entry, making)
  }

  #hit(entry: Entry, now: number, found: Found): Outcome {
    const left = entry.lifeMs - currentAgeMs(entry, now)
    const told: Told =
      left > 0
        ? { status: 'hit', fact: { hit: { ttl: Math.floor(left / 1000) } } }
        : this.#toldStale(entry, 'max-stale')
    this.#replies.fromEntry(entry, told, entry === found.entry ? found : undefined)
    return 'answered'
  }

  /** Answers now, and lets the rest of the chain make a new answer behind it. */
  #stale(entry: Entry, making: Making<Native>): Outcome {
    this.#exchange.keepHead()
    this.#replies.fromEntry(entry, this.#toldStale(entry, 'revalidating'))
    // A run for a HEAD would make no body.
    if (this.#exchange.req.method === 'HEAD') return 'answered'
    return { refresh: () => making.inBackground() }
  }

  #toldStale(entry: Entry, reason: 'revalidating' | 'max-stale'): Told {
    const left = entry.lifeMs - currentAgeMs(entry, Date.now())
    const fact = { hit: { ttl: Math.floor(left / 1000) }, detail: reason }
    return { status: 'stale', reason, fact }
  }

  /** Nothing stored will do. */
  #absent(
    use: Use | undefined,
    entry: Entry | undefined,
    making: Making<Native>,
  ): Outcome | Promise<Outcome> {
    if (this.#look.request.directives.has('only-if-cached')) {
      this.#replies.unavailable()
      return 'answered'
    }
    if (this.#exchange.req.method === 'HEAD') return this.#untouched(use, entry)
    return this.#waits(use) ? making.together() : making.alone()
  }

  /** Whether this request may share a run of the handler with others. */
  #waits(use: Use | undefined): boolean {
    const { credentialed, directives } = this.#look.request
    if (!this.#parts.settings.coalesce || credentialed) return false
    if (use === undefined) return !wantsNew(directives)
    return use === 'stale' || use === 'stale-while-revalidate'
  }

  /** An answer without a body is not stored, but may say something of one that is. */
  #untouched(use: Use | undefined, entry: Entry | undefined): Outcome {
    const { request, deadline } = this.#look
    request.record.passed('miss')
    this.#replies.say({ fwd: fwdOf(use) })
    if (entry === undefined || use === 'credential' || request.credentialed) return 'next'
    return {
      observe: new HeadUpdate(this.#parts, { exchange: this.#exchange, request, deadline, entry }),
    }
  }
}

/** Whether the handler may be asked if the entry is still right, and the entry stand in for it. */
function isRevalidated(use: Use | undefined): boolean {
  return use !== undefined && use !== 'credential'
}

function fwdOf(use: Use | undefined): CacheFact['fwd'] {
  if (use === 'stale' || use === 'stale-while-revalidate') return 'stale'
  if (use === 'request') return use
  return use === 'credential' ? 'bypass' : 'miss'
}

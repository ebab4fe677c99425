import { type CacheFact, cacheStatus } from '../lib/cache/cache-status.ts'
import { currentAgeMs, type Entry } from '../lib/cache/entry.ts'
import { lineOf } from '../lib/cache/fields.ts'
import {
  type Boarding,
  type Flight,
  Flights,
  type Follower,
  type Lease,
} from '../lib/cache/flights.ts'
import { replyFrom } from '../lib/cache/reply.ts'
import { type Use, useOf, wantsNew } from '../lib/cache/reuse.ts'
import { type Looked, openShelf } from '../lib/cache/shelf.ts'
import { variantOf } from '../lib/cache/vary.ts'
import type { Deadline } from '../lib/deadline.ts'
import { type CacheParts, fill } from './cache-fill.ts'
import { type CacheResponseOptions, readCacheOptions } from './cache-options.ts'
import { type BypassReason, CacheRecord } from './cache-record.ts'
import {
  askedOf,
  type Bypass,
  type CacheableRequest,
  type CacheRequest,
  isAtHand,
  readRequest,
} from './cache-request.ts'
import type { Composable, Exchange, Outcome } from './exchange.ts'
import { requestDeadline, requestState } from './request-state.ts'
import { standingFields } from './response-fields.ts'

export type {
  BodyOf,
  CachedMethod,
  CacheKeyOptions,
  CacheResponseOptions,
  ResponseHead,
  ScopeOf,
  TtlOf,
} from './cache-options.ts'
export type { CacheControl, CacheResult } from './cache-record.ts'

/** A look at the store under way, and the flight that was in the air when it began. */
export interface Look {
  readonly kind: 'look'
  readonly request: CacheableRequest
  readonly found: Promise<Looked>
  readonly flight: Flight<Entry> | undefined
  readonly deadline: Deadline
}

/**
 * Answers from stored responses as RFC 9111 lets a shared cache, and stores what it may.
 *
 * @throws OptionError for a wrong or unknown option.
 */
export function cacheResponseCore<Native>(
  options: CacheResponseOptions<Native>,
): Composable<Native, CacheRequest, Look | Bypass> {
  const settings = readCacheOptions(options)
  const flights = new Flights<Entry>()
  const shelf = openShelf(settings.store)
  const parts: CacheParts<Native> = { settings, shelf, flights }
  return {
    asks: askedOf(settings),
    prepare(exchange) {
      const record = new CacheRecord()
      record.attach(exchange)
      return readRequest(exchange, settings, record)
    },
    async ahead(exchange) {
      if (!isAtHand(exchange, settings)) return undefined
      return readRequest(exchange, settings, new CacheRecord())
    },
    start(exchange, request) {
      if (request.kind === 'bypass') return request
      const deadline = requestDeadline(exchange.req, settings.store)
      const { resource, headers } = request
      const variant = variantOf(shelf.names(resource), headers)
      const found = shelf.find({ resource, headers, deadline })
      const flight = flights.find(resource, variant)
      return { kind: 'look', request, found, flight, deadline }
    },
    waits: ({ kind }) => kind === 'look',
    async finish(exchange, request, look) {
      request.record.attach(exchange)
      const visit = new Visit(parts, exchange)
      if (look.kind === 'bypass') return visit.bypass(request, look.reason)
      const looked = await look.found
      if (looked.kind === 'found') {
        const outcome = await visit.answer(look, looked.entry)
        if (outcome === 'answered') requestState(exchange.req).limits.spare()
        return outcome
      }
      request.record.degrade()
      return visit.bypass(request, 'store')
    },
  }
}

/** How one request is answered, once the store has said what it has. */
class Visit<Native> {
  readonly #parts: CacheParts<Native>
  readonly #exchange: Exchange<Native>

  constructor(parts: CacheParts<Native>, exchange: Exchange<Native>) {
    this.#parts = parts
    this.#exchange = exchange
  }

  bypass({ record }: CacheRequest, reason: BypassReason): Outcome {
    record.passed('bypass', reason)
    this.#say(reason === 'method' ? { fwd: 'method' } : { fwd: 'bypass', detail: reason })
    return 'next'
  }

  answer(look: Look, stored: Entry | undefined): Outcome | Promise<Outcome> {
    const { request } = look
    const follower = this.#follower(request)
    // The write may have ended between our question and the store's answer.
    const entry = stored ?? this.#parts.flights.copyOf(look.flight, follower)
    const use = entry && useOf(entry, request.wish, Date.now())
    if (entry && use === 'use') return this.#reply(request, entry, 'hit')
    if (request.wish.directives.has('only-if-cached')) return this.#unavailable(request)
    if (this.#exchange.req.method === 'HEAD') return this.#untouched(request, use)
    const fill = { look, fwd: fwdOf(use) }
    return this.#waits(request, use) ? this.#join(fill, follower, 0) : this.#fill(fill, undefined)
  }

  /** Whether this request may share a run of the handler with others. */
  #waits({ wish }: CacheableRequest, use: Use | undefined): boolean {
    if (!this.#parts.settings.coalesce || wish.credentialed) return false
    return use === undefined ? !wantsNew(wish.directives) : use === 'stale'
  }

  /** Takes part in the flight for this variant; `again` means that the answer was for another one. */
  async #join(fill: FillStep, follower: Follower, turn: number): Promise<Outcome> {
    const { request } = fill.look
    const { flights, shelf } = this.#parts
    const variant = variantOf(shelf.names(request.resource), request.headers)
    const boarding = flights.board(request.resource, variant, follower)
    const landing = boarding.kind === 'wait' ? await boarding.landing : boarding
    switch (landing.kind) {
      case 'copy':
        return this.#share(fill, landing.copy, boarding)
      case 'lead':
        return this.#fill(fill, landing.lease)
      case 'gone':
        request.record.passed('miss', 'incomplete')
        return 'answered'
      case 'again':
        return turn < 2 ? this.#join(fill, follower, turn + 1) : this.#fill(fill, undefined)
      default:
        return this.#fill(fill, undefined)
    }
  }

  #share(fill: FillStep, copy: Entry, boarding: Boarding<Entry>): Outcome {
    if (useOf(copy, fill.look.request.wish, Date.now()) !== 'use')
      return this.#fill(fill, undefined)
    return this.#reply(fill.look.request, copy, boarding.kind === 'wait' ? 'collapsed' : 'hit')
  }

  #fill({ look, fwd }: FillStep, lease: Lease<Entry> | undefined): Outcome {
    const { request, deadline } = look
    const observe = fill(this.#parts, { exchange: this.#exchange, request, deadline, lease, fwd })
    return { observe }
  }

  #reply(request: CacheableRequest, entry: Entry, status: 'hit' | 'collapsed'): Outcome {
    const { req, res } = this.#exchange
    const now = Date.now()
    const ageMs = currentAgeMs(entry, now)
    const fact: CacheFact =
      status === 'hit'
        ? { hit: { ttl: Math.floor((entry.lifeMs - ageMs) / 1000) } }
        : { fwd: 'miss', collapsed: true }
    const outer = standingFields(res)
    const said = this.#parts.settings.cacheStatus ? fact : undefined
    const asked = { method: req.method, headers: request.headers, outer, fact: said, now }
    const { status: code, fields, body } = replyFrom(entry, asked)
    request.record.answered(status, Math.floor(ageMs / 1000))
    // Others may be answered from the same bytes, and middlewares outside may write into them.
    this.#exchange.answer(code, fields, body && Buffer.from(body))
    // Koa gives every body a type; one that was stored without has none.
    const typed = 'content-type' in outer || 'content-type' in fields
    if (!typed && !res.headersSent) res.removeHeader('content-type')
    return 'answered'
  }

  /** RFC 9111 section 5.2.1.7. */
  #unavailable({ record }: CacheableRequest): Outcome {
    record.passed('miss', 'only-if-cached')
    this.#say({ fwd: 'miss', detail: 'only-if-cached' })
    const fields = { 'content-type': 'text/plain; charset=utf-8', 'content-length': '0' }
    this.#exchange.answer(504, fields, Buffer.alloc(0))
    return 'answered'
  }

  #untouched({ record }: CacheableRequest, use: Use | undefined): Outcome {
    record.passed('miss')
    this.#say({ fwd: fwdOf(use) })
    return 'next'
  }

  #say(fact: CacheFact): void {
    const { res } = this.#exchange
    if (!this.#parts.settings.cacheStatus || res.headersSent) return
    res.setHeader('Cache-Status', cacheStatus(lineOf(standingFields(res), 'cache-status'), fact))
  }

  #follower({ headers }: CacheableRequest): Follower {
    const { res } = this.#exchange
    return {
      variantOf: (names) => variantOf(names, headers),
      onGone(leave) {
        if (res.closed || res.destroyed) leave()
        else res.once('close', leave)
      },
    }
  }
}

interface FillStep {
  readonly look: Look
  readonly fwd: CacheFact['fwd']
}

function fwdOf(use: Use | undefined): CacheFact['fwd'] {
  if (use === 'stale' || use === 'request') return use
  return use === 'credential' ? 'bypass' : 'miss'
}

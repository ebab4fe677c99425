import type { Awaitable } from '../lib/awaitable.ts'
import type { Entry } from '../lib/cache/entry.ts'
import type { RequestHeaders } from '../lib/cache/fields.ts'
import { Flights } from '../lib/cache/flights.ts'
import { heardPurges } from '../lib/cache/purges.ts'
import { useOf } from '../lib/cache/reuse.ts'
import { sharingOf } from '../lib/cache/sharing.ts'
import { type CacheStore, type Looked, openShelf, type Wanted } from '../lib/cache/shelf.ts'
import { variantOf } from '../lib/cache/vary.ts'
import type { Deadline } from '../lib/deadline.ts'
import { Invalidation, isUnsafe } from './cache-invalidation.ts'
import type { Look } from './cache-look.ts'
import type { CacheResponseOptions } from './cache-option-types.ts'
import { readCacheOptions } from './cache-options.ts'
import type { CacheParts } from './cache-parts.ts'
import { type Answers, answersOf } from './cache-purge.ts'
import { CacheRecord } from './cache-record.ts'
import { saidOn } from './cache-replies.ts'
import { askedOf, type Bypass, type CacheRequest, isAtHand, readRequest } from './cache-request.ts'
import { Visit } from './cache-visit.ts'
import type { CacheableRequest } from './cacheable-request.ts'
import type { Composable, Exchange, Outcome } from './exchange.ts'
import { requestDeadline, stateSoFar } from './request-state.ts'

export type {
  BodyOf,
  CachedMethod,
  CacheKeyOptions,
  CacheL1Options,
  CacheResponseOptions,
  CacheStreamOptions,
  ResponseHead,
  ScopeOf,
  TagsOf,
  TtlOf,
} from './cache-option-types.ts'
export type { Answers, Purged } from './cache-purge.ts'
export type { CacheControl, CacheResult } from './cache-record.ts'

/** The core of `cacheResponse()`, and what it is purged by. */
export interface CacheCore<Native> extends Composable<Native, CacheRequest, Look | Bypass> {
  readonly answers: Answers
}

/**
 * Answers from stored responses as RFC 9111 lets a shared cache, and stores what it may.
 *
 * @throws OptionError for a wrong or unknown option.
 */
export function cacheResponseCore<Native>(
  options: CacheResponseOptions<Native>,
): CacheCore<Native> {
  const settings = readCacheOptions(options)
  const { store, l1 } = settings
  const shelf = openShelf(store, l1)
  const flights = new Flights<Entry>(heardPurges(store))
  const parts: CacheParts<Native> = { settings, shelf, flights, sharing: sharingOf(store) }
  const asks = askedOf(settings)
  return {
    answers: answersOf(settings, shelf),
    asks,
    prepare(exchange) {
      const record = new CacheRecord()
      // A hit that nobody stands outside of is seen by nobody.
      if (asks.length > 0 || exchange.req.method !== 'GET' || exchange.isWatched)
        record.attach(exchange)
      return readRequest(exchange, settings, record)
    },
    ahead(exchange) {
      if (!isAtHand(exchange, settings)) return undefined
      return readRequest(exchange, settings, new CacheRecord())
    },
    start(exchange, request) {
      if (request.kind === 'bypass') return request
      const near = shelf.near(request)
      const want = new Want(exchange, request, store)
      if (near && useOf(near, request, Date.now()) === 'use')
        return new WantedLook(want, { kind: 'found', entry: near, tier: 'near' }, undefined)
      const found = shelf.find(want)
      if (!(found instanceof Promise) && found.kind === 'found' && found.entry)
        return new WantedLook(want, found, undefined)
      request.keepHeaders()
      const { resource, headers } = request
      const flight = flights.find(resource, variantOf(shelf.names(resource), headers))
      return new WantedLook(want, found, flight)
    },
    waits: (look) => look.kind === 'look' && look.found instanceof Promise,
    finish(exchange, request, look) {
      if (exchange.isWatched) request.record.attach(exchange)
      if (look.kind === 'bypass') return bypassed(parts, exchange, look)
      const { found } = look
      if (!(found instanceof Promise)) return visited(parts, exchange, look, found)
      return found.then((looked) => visited(parts, exchange, look, looked))
    },
  }
}

/** What a request asks the store for. Its time to wait begins where a store is asked. */
class Want<Native> implements Wanted {
  readonly request: CacheableRequest
  readonly #exchange: Exchange<Native>
  readonly #store: CacheStore

  constructor(exchange: Exchange<Native>, request: CacheableRequest, store: CacheStore) {
    this.request = request
    this.#exchange = exchange
    this.#store = store
  }

  get resource(): string {
    return this.request.resource
  }

  get headers(): RequestHeaders {
    return this.request.headers
  }

  get marks(): readonly string[] {
    return this.request.marks
  }

  get deadline(): Deadline {
    return requestDeadline(this.#exchange.req, this.#store)
  }
}

/** A look for what a request wants. Where it is a hit, nobody asks how long more may take. */
class WantedLook<Native> implements Look {
  readonly kind = 'look'
  readonly request: CacheableRequest
  readonly found: Look['found']
  readonly flight: Look['flight']
  readonly #want: Want<Native>

  constructor(want: Want<Native>, found: Look['found'], flight: Look['flight']) {
    this.request = want.request
    this.found = found
    this.flight = flight
    this.#want = want
  }

  get deadline(): Deadline {
    return this.#want.deadline
  }
}

function visited<Native>(
  parts: CacheParts<Native>,
  exchange: Exchange<Native>,
  look: Look,
  looked: Looked,
): Awaitable<Outcome> {
  const { record } = look.request
  if (looked.kind === 'away') {
    record.degrade()
    return bypassed(parts, exchange, { kind: 'bypass', record, reason: 'store' })
  }
  const outcome = new Visit(parts, exchange, look).answer(looked)
  if (!(outcome instanceof Promise)) return spared(exchange, outcome)
  return outcome.then((later) => spared(exchange, later))
}

/** What limits have reserved for is not done where the cache has the answer. */
function spared<Native>({ req }: Exchange<Native>, outcome: Outcome): Outcome {
  if (outcome === 'answered' || (outcome !== 'next' && 'refresh' in outcome))
    stateSoFar(req)?.limits.spare()
  return outcome
}

/** The handler answers; where it changes something, what is stored of that no longer holds. */
function bypassed<Native>(
  parts: CacheParts<Native>,
  exchange: Exchange<Native>,
  { record, reason }: Bypass,
): Outcome {
  record.attach(exchange)
  record.passed('bypass', reason)
  saidOn(
    parts.settings,
    exchange,
    reason === 'method' ? { fwd: 'method' } : { fwd: 'bypass', detail: reason },
  )
  if (reason !== 'method' || !isUnsafe(exchange.req.method)) return 'next'
  return { watch: new Invalidation(parts, exchange) }
}

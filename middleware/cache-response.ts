import type { Entry } from '../lib/cache/entry.ts'
import { Flights } from '../lib/cache/flights.ts'
import { heardPurges } from '../lib/cache/purges.ts'
import { useOf } from '../lib/cache/reuse.ts'
import { sharingOf } from '../lib/cache/sharing.ts'
import { openShelf } from '../lib/cache/shelf.ts'
import { variantOf } from '../lib/cache/vary.ts'
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
import type { Composable, Exchange, Outcome } from './exchange.ts'
import { requestDeadline, requestState } from './request-state.ts'

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
  return {
    answers: answersOf(settings, shelf),
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
      const deadline = requestDeadline(exchange.req, store)
      const { resource, headers } = request
      const near = shelf.near({ resource, headers })
      if (near && useOf(near, request.wish, Date.now()) === 'use')
        return { kind: 'look', request, found: foundNear(near), flight: undefined, deadline }
      const found = shelf.find({ resource, headers, deadline, marks: request.marks })
      const flight = flights.find(resource, variantOf(shelf.names(resource), headers))
      return { kind: 'look', request, found, flight, deadline }
    },
    waits: (look) => look.kind === 'look' && look.found instanceof Promise,
    async finish(exchange, request, look) {
      request.record.attach(exchange)
      if (look.kind === 'bypass') return bypassed(parts, exchange, look)
      const looked = look.found instanceof Promise ? await look.found : look.found
      if (looked.kind === 'away') {
        request.record.degrade()
        return bypassed(parts, exchange, {
          kind: 'bypass',
          record: request.record,
          reason: 'store',
        })
      }
      const outcome = await new Visit(parts, exchange, look).answer(looked)
      if (outcome === 'answered' || (outcome !== 'next' && 'refresh' in outcome))
        requestState(exchange.req).limits.spare()
      return outcome
    },
  }
}

function foundNear(entry: Entry): Look['found'] {
  return { kind: 'found', entry, tier: 'near' }
}

/** The handler answers; where it changes something, what is stored of that no longer holds. */
function bypassed<Native>(
  parts: CacheParts<Native>,
  exchange: Exchange<Native>,
  { record, reason }: Bypass,
): Outcome {
  record.passed('bypass', reason)
  saidOn(
    parts.settings,
    exchange,
    reason === 'method' ? { fwd: 'method' } : { fwd: 'bypass', detail: reason },
  )
  if (reason !== 'method' || !isUnsafe(exchange.req.method)) return 'next'
  return { watch: new Invalidation(parts, exchange) }
}

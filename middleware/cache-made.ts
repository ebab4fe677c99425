import { Audience } from '../lib/cache/audience.ts'
import type { CacheFact } from '../lib/cache/cache-status.ts'
import type { Entry } from '../lib/cache/entry.ts'
import type { Lease } from '../lib/cache/flight.ts'
import type { Lead } from '../lib/cache/leading.ts'
import type { SeenPlace } from '../lib/ports/fills.ts'
import { Fill } from './cache-fill.ts'
import type { Look } from './cache-look.ts'
import type { CacheParts, FillPlan } from './cache-parts.ts'
import type { Replies } from './cache-replies.ts'
import { type FromEntry, Revalidation } from './cache-revalidation.ts'
import type { Exchange, Observer } from './exchange.ts'

/** A request for which nothing stored will do. */
export interface Wanting<Native> {
  readonly exchange: Exchange<Native>
  readonly look: Look
  readonly replies: Replies<Native>
  /** What its look has seen in the store; `undefined` where that cannot be said. */
  readonly seen: SeenPlace | undefined
  readonly fwd: CacheFact['fwd']
  /** A stored answer that the handler may confirm, or that stands in for it. */
  readonly stale: Entry | undefined
}

/** How an answer is made. */
export interface Made {
  /** Requests of this process wait for it. */
  readonly lease?: Lease<Entry> | undefined
  /** Requests of other processes do. */
  readonly lead?: Lead | undefined
  readonly since: FillPlan<unknown>['since']
  readonly variant: string
  /** Nobody is answered from it. @default false */
  readonly background?: boolean | undefined
}

/** Follows a run of the handler whose answer may be stored, or may confirm one that is. */
export function observerOf<Native>(
  parts: CacheParts<Native>,
  { exchange, look, replies, fwd, stale }: Wanting<Native>,
  { lease, lead, since, variant, background = false }: Made,
): Observer {
  const { request, deadline } = look
  const audience = new Audience(lease, lead)
  const of = { exchange, request, deadline, audience }
  const plan: FillPlan<Native> = { ...of, since, variant, fwd, background }
  // All at once: a handler that ends twice must not end it in the middle.
  const answer = (from: FromEntry) => replies.fromEntry({ ...from.entry, pieces: undefined }, from)
  try {
    if (stale === undefined) return new Fill(parts, plan)
    return new Revalidation(parts, plan, { stale, answer: background ? undefined : answer })
  } catch (error) {
    // Nobody would ever end what others wait for: a request may be frozen.
    audience.abandon()
    throw error
  }
}

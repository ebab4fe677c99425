import type { Entry } from '../lib/cache/entry.ts'
import type { Follower } from '../lib/cache/flights.ts'
import type { Follow } from '../lib/cache/following.ts'
import type { Live } from '../lib/cache/live.ts'
import { useOf } from '../lib/cache/reuse.ts'
import type { Look } from './cache-look.ts'
import type { CacheParts } from './cache-parts.ts'

/**
 * What came of an answer that another process was to make. `again`: it is for another variant, or is
 * not to be found. `lapsed`: nobody makes it any more. `gone`: this request's own client has left.
 */
export type Followed =
  | { readonly kind: 'live'; readonly live: Live }
  | { readonly kind: 'entry'; readonly entry: Entry }
  | { readonly kind: 'refused' | 'away' | 'gone' | 'again' | 'lapsed' }

/** Waits for an answer that another process makes. */
export async function followed<Native>(
  parts: CacheParts<Native>,
  look: Look,
  follower: Follower,
  follow: Follow,
): Promise<Followed> {
  const gone = new Promise<'gone'>((resolve) => follower.onGone(() => resolve('gone')))
  const next = await Promise.race([follow.next, gone])
  if (next === 'gone') {
    follow.leave()
    return { kind: 'gone' }
  }
  if (next.kind === 'kept') return usable(parts, look)
  if (next.kind === 'failed') return { kind: 'lapsed' }
  if (next.kind !== 'live') return { kind: next.kind }
  const { head } = next.live
  const names = parts.shelf.learn(look.request.resource, head.names)
  if (follower.variantOf(names) === head.variant) return next
  follow.leave()
  return { kind: 'again' }
}

/** What the store has by now that the request may be answered with; `again` where that is nothing. */
export async function usable<Native>(
  { shelf }: CacheParts<Native>,
  { request, deadline }: Look,
): Promise<Followed> {
  const { resource, headers, marks, wish } = request
  const found = await shelf.find({ resource, headers, deadline, marks })
  if (found.kind === 'away') return { kind: 'away' }
  const { entry } = found
  const fits = entry !== undefined && useOf(entry, wish, Date.now()) === 'use'
  return fits ? { kind: 'entry', entry } : { kind: 'again' }
}

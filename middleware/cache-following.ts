import type { Entry } from '../lib/cache/entry.ts'
import type { Follower } from '../lib/cache/flight.ts'
import type { Live } from '../lib/cache/live.ts'
import { isOutdated } from '../lib/cache/outdated.ts'
import { useOf } from '../lib/cache/reuse.ts'
import type { Claim } from '../lib/cache/sharing.ts'
import type { Look } from './cache-look.ts'
import type { CacheParts } from './cache-parts.ts'

/**
 * What came of an answer that another process was to make. `again`: it is for another variant, or is
 * not to be found. `lapsed`: nobody makes it any more. `outdated`: its making began before a purge,
 * and it goes on. `gone`: this request's own client has left.
 */
export type Followed =
  | { readonly kind: 'live'; readonly live: Live }
  | { readonly kind: 'entry'; readonly entry: Entry }
  | { readonly kind: 'refused' | 'away' | 'gone' | 'again' | 'lapsed' | 'outdated' }

/** Waits for an answer that another run makes, in this process or another. */
export async function followed<Native>(
  parts: CacheParts<Native>,
  look: Look,
  follower: Follower,
  { follow, since }: Extract<Claim, { kind: 'follow' }>,
): Promise<Followed> {
  const { settings, shelf } = parts
  const { request, deadline } = look
  const { resource, marks } = request
  const outdated = (known: readonly string[]): Promise<boolean> =>
    isOutdated(settings.store, { resource, marks: known, since }, deadline)
  const next = await Promise.race([
    follow.next,
    new Promise<'gone'>((resolve) => follower.onGone(() => resolve('gone'))),
    // Its tags and groups are told by its head, or its entry.
    new Promise<'outdated'>((resolve) => {
      void outdated(marks).then((is) => is && resolve('outdated'))
    }),
  ])
  if (typeof next === 'string') {
    follow.leave()
    return { kind: next }
  }
  if (next.kind === 'kept') return usable(parts, look)
  if (next.kind === 'failed') return { kind: 'lapsed' }
  if (next.kind !== 'live') return { kind: next.kind }
  const { entry, names, variant } = next.live.head
  const fits = follower.variantOf(shelf.learn(resource, names)) === variant
  if (fits && !(await outdated(entry.marks))) return next
  follow.leave()
  return { kind: fits ? 'outdated' : 'again' }
}

/** What the store has by now that the request may be answered with; `again` where that is nothing. */
export async function usable<Native>(
  { shelf }: CacheParts<Native>,
  { request, deadline }: Look,
): Promise<Followed> {
  const { resource, headers, marks } = request
  const found = await shelf.find({ resource, headers, deadline, marks })
  if (found.kind === 'away') return { kind: 'away' }
  const { entry } = found
  const fits = entry !== undefined && useOf(entry, request, Date.now()) === 'use'
  return fits ? { kind: 'entry', entry } : { kind: 'again' }
}

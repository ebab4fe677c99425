import type { Entry } from '../lib/cache/entry.ts'
import type { Flight, Follower } from '../lib/cache/flight.ts'
import type { Looked } from '../lib/cache/shelf.ts'
import { variantOf } from '../lib/cache/vary.ts'
import type { Deadline } from '../lib/deadline.ts'
import type { CacheableRequest } from './cacheable-request.ts'
import { onceGone } from './client-gone.ts'
import type { Exchange } from './exchange.ts'

/** A look for a stored answer, and the flight that was in the air when it began. */
export interface Look {
  readonly kind: 'look'
  readonly request: CacheableRequest
  /** Known at once where the answer was at hand. */
  readonly found: Looked | Promise<Looked>
  readonly flight: Flight<Entry> | undefined
  readonly deadline: Deadline
}

/** This request, as one that could wait for another's answer. */
export function followerOf<Native>(
  { res }: Exchange<Native>,
  { headers, marks }: CacheableRequest,
): Follower {
  return {
    marks,
    variantOf: (names) => variantOf(names, headers),
    onGone: (leave) => onceGone(res, leave),
  }
}

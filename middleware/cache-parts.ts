import type { Audience } from '../lib/cache/audience.ts'
import type { CacheFact } from '../lib/cache/cache-status.ts'
import type { Entry } from '../lib/cache/entry.ts'
import type { Flights } from '../lib/cache/flights.ts'
import type { Sharing } from '../lib/cache/sharing.ts'
import type { Shelf } from '../lib/cache/shelf.ts'
import type { Deadline } from '../lib/deadline.ts'
import type { CacheSettings } from './cache-options.ts'
import type { CacheableRequest } from './cacheable-request.ts'
import type { Exchange } from './exchange.ts'

/** What all requests through one `cacheResponse()` share. */
export interface CacheParts<Native> {
  readonly settings: CacheSettings<Native>
  readonly shelf: Shelf
  readonly flights: Flights<Entry>
  readonly sharing: Sharing
}

/** One run of the handler whose answer may be stored. */
export interface FillPlan<Native> {
  readonly exchange: Exchange<Native>
  readonly request: CacheableRequest
  readonly deadline: Deadline
  /** Who waits for this answer. */
  readonly audience: Audience
  /**
   * When its making began, on the store's clock: known, where others may wait for it; `undefined`
   * where the store could not tell.
   */
  readonly since: number | Promise<number | undefined>
  /** Names the variant, as it was known when the fill was taken. */
  readonly variant: string
  readonly fwd: CacheFact['fwd']
  /** It answers nobody. */
  readonly background: boolean
}

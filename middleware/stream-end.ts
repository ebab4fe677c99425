import type { Pieces } from '../lib/cache/pieces.ts'
import { publish } from '../lib/telemetry.ts'
import { atOnce } from './at-once.ts'
import type { CacheSettings } from './cache-options.ts'

const tailBytes = 4096

/** Whether the application calls a stream whole; where it cannot say, it does not count as whole. */
export function isWhole<Native>(
  { stream }: Pick<CacheSettings<Native>, 'stream'>,
  pieces: Pieces,
): boolean {
  try {
    return atOnce('stream.complete', stream.complete(pieces.tail(tailBytes)))
  } catch (error) {
    publish('error', () => ({ during: 'cache stream', error }))
    return false
  }
}

import { type Directives, secondsOf } from './cache-control.ts'
import { currentAgeMs, type Entry } from './entry.ts'

/** What a request says about the answers it accepts. */
export interface Wish {
  /** None where client directives are ignored. */
  readonly directives: Directives
  /** It carries a credential that the key does not hold. */
  readonly credentialed: boolean
}

/**
 * Whether an entry may answer: `use`; `stale`, it is too old; `request`, the client wants another;
 * `credential`, only the application's `ttl` calls it fresh, and the request is somebody's own.
 */
export type Use = 'use' | 'stale' | 'request' | 'credential'

/** Decides on an entry that matches the key and the variant (RFC 9111 sections 4 and 5.2.1). */
export function useOf(entry: Entry, { directives, credentialed }: Wish, now: number): Use {
  if (credentialed && !entry.explicit) return 'credential'
  if (wantsNew(directives)) return 'request'
  const age = currentAgeMs(entry, now)
  const left = entry.lifeMs - age
  if (left <= 0) return toleratesStale(entry, directives, -left) ? 'use' : 'stale'
  if (age > limitMs(directives, 'max-age', Number.POSITIVE_INFINITY)) return 'request'
  return left < limitMs(directives, 'min-fresh', 0) ? 'request' : 'use'
}

/** Whether a client asks for an answer made for it: nothing stored or under way will do. */
export function wantsNew(directives: Directives): boolean {
  return directives.has('no-cache') || secondsOf(directives, 'max-age') === 0
}

function toleratesStale(entry: Entry, directives: Directives, staleMs: number): boolean {
  const values = directives.get('max-stale')
  if (values === undefined || entry.strict) return false
  const bare = values.length === 1 && values[0] === undefined
  return bare || staleMs <= limitMs(directives, 'max-stale', 0)
}

function limitMs(directives: Directives, name: string, otherwise: number): number {
  const seconds = secondsOf(directives, name)
  return seconds === undefined ? otherwise : seconds * 1000
}

import { type Directives, secondsOf } from './cache-control.ts'
import { currentAgeMs, type Entry } from './entry.ts'
import { notInKey } from './personal.ts'

/** What a request says about the answers it accepts. */
export interface Wish {
  /** None where client directives are ignored. */
  readonly directives: Directives
  /** It carries a credential that the key does not hold. */
  readonly credentialed: boolean
  /** Its fields that may tell who asks, but for those in the key: see `personalFields()`. */
  readonly personal?: readonly string[] | undefined
}

/**
 * Whether an entry may answer.
 *
 * - `use`
 * - `stale-while-revalidate`: too old, but it may answer while a new one is made.
 * - `stale`: too old, or to be validated each time.
 * - `request`: the client wants another.
 * - `credential`: only the application's `ttl` calls it fresh, and the request is somebody's own. It
 *   must not even be validated: a 304 would make it that somebody's answer.
 */
export type Use = 'use' | 'stale-while-revalidate' | 'stale' | 'request' | 'credential'

/** What is decided on. */
type Reusable = Entry & { readonly swrMs?: number }

/** Decides on an entry that matches the key and the variant (RFC 9111 sections 4 and 5.2.1). */
export function useOf(entry: Reusable, wish: Wish, now: number): Use {
  const { directives } = wish
  if (isForOthers(entry, wish)) return 'credential'
  if (wantsNew(directives)) return 'request'
  const age = currentAgeMs(entry, now)
  const left = entry.lifeMs - age
  if (left <= 0) return staleUseOf(entry, directives, -left)
  if (age > limitMs(directives, 'max-age', Number.POSITIVE_INFINITY)) return 'request'
  return left < limitMs(directives, 'min-fresh', 0) ? 'request' : 'use'
}

/**
 * An entry that is validated each time answers nobody whom the key does not tell apart: handlers
 * number the versions of many users' answers alike, and would call one user's current for another.
 */
function isForOthers(entry: Reusable, wish: Wish): boolean {
  if (wish.credentialed && !entry.explicit) return true
  return entry.lifeMs === 0 && notInKey(wish.personal ?? [], entry.fields)
}

/** Whether a client asks for an answer made for it: nothing stored or under way will do. */
export function wantsNew(directives: Directives): boolean {
  return directives.has('no-cache') || secondsOf(directives, 'max-age') === 0
}

function staleUseOf(entry: Reusable, directives: Directives, staleMs: number): Use {
  const { strict, swrMs = 0 } = entry
  if (!strict && staleMs < swrMs && acceptsStale(directives, staleMs))
    return 'stale-while-revalidate'
  return toleratesStale(entry, directives, staleMs) ? 'use' : 'stale'
}

/**
 * RFC 9111 section 5.2.1: whoever says `max-age` or `min-fresh` does not want what is stale, unless
 * `max-stale` says how stale it may be.
 */
function acceptsStale(directives: Directives, staleMs: number): boolean {
  if (directives.has('min-fresh')) return false
  if (directives.has('max-stale')) return withinMaxStale(directives, staleMs)
  return !directives.has('max-age')
}

function toleratesStale({ strict }: Reusable, directives: Directives, staleMs: number): boolean {
  return !strict && withinMaxStale(directives, staleMs)
}

function withinMaxStale(directives: Directives, staleMs: number): boolean {
  const values = directives.get('max-stale')
  if (values === undefined) return false
  const bare = values.length === 1 && values[0] === undefined
  return bare || staleMs <= limitMs(directives, 'max-stale', 0)
}

function limitMs(directives: Directives, name: string, otherwise: number): number {
  const seconds = secondsOf(directives, name)
  return seconds === undefined ? otherwise : seconds * 1000
}

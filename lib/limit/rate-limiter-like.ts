import { toMs, toText } from '../duration.ts'
import { OptionError } from '../errors.ts'
import { isLimit } from './amount.ts'
import type { Rule } from './rule.ts'

/**
 * What a limiter of rate-limiter-flexible offers, as far as it is used. Only `consume` is needed: what
 * cannot be given back (`reward`), blocked (`block`) or forgotten (`delete`) stays so.
 */
export interface RateLimiterLike {
  /** Resolves when the points were there; rejects with what is left, or with an `Error`. */
  consume(key: string, points?: number): Promise<unknown>
  /** Looks; `null` for a key that is unused. */
  get?(key: string): Promise<unknown>
  /** Forgets a key. */
  delete?(key: string): Promise<unknown>
  /** Charges more, whatever is left. */
  penalty?(key: string, points?: number): Promise<unknown>
  /** Gives back. */
  reward?(key: string, points?: number): Promise<unknown>
  /** Lets nothing pass for so long. */
  block?(key: string, seconds: number): Promise<unknown>
}

/** What is to be known of a limiter, of its own or of the one that it wraps. */
export interface LimiterTraits {
  /** `undefined` where it does not tell. */
  readonly limit: number | undefined
  readonly windowMs: number | undefined
  /** From so much on it blocks a key for longer than the window; `undefined` where it never does. */
  readonly blocksFrom: number | undefined
  /** Keys that it holds for exhausted, in this process, are asked for again. */
  forgetExhausted(): void
}

interface Members {
  readonly limiter?: unknown
  readonly points?: unknown
  readonly duration?: unknown
  readonly blockDuration?: unknown
  readonly blockOnConsumed?: unknown
  readonly inMemoryBlockOnConsumed?: unknown
  readonly inMemoryBlockDuration?: unknown
  readonly execEvenly?: unknown
  readonly consume?: unknown
  readonly removeTokens?: unknown
  readonly deleteInMemoryBlockedAll?: () => void
}

/** Whether a `store` is meant to be a limiter of rate-limiter-flexible. */
export function isRateLimiterLike(store: unknown): store is RateLimiterLike {
  const { consume, removeTokens } = (store ?? {}) as Members
  return typeof consume === 'function' || typeof removeTokens === 'function'
}

/** Tells of a limiter what must be known of it. */
export function traitsOf(limiter: RateLimiterLike): LimiterTraits {
  const own = innermost(limiter)
  const { points, duration } = own
  const blocksFrom = thresholdOf(own)
  return {
    limit: isLimit(points) ? points : undefined,
    windowMs: typeof duration === 'number' && duration > 0 ? duration * 1000 : undefined,
    blocksFrom,
    forgetExhausted: () => {
      if (blocksFrom === undefined) own.deleteInMemoryBlockedAll?.()
    },
  }
}

function thresholdOf(own: Members): number | undefined {
  if (above0(own.inMemoryBlockDuration) > 0) return above0(own.inMemoryBlockOnConsumed)
  if (above0(own.blockDuration) === 0) return undefined
  return Math.max(above0(own.blockOnConsumed), above0(own.points) + 1)
}

type ForeignRule<Native> = Omit<Rule<Native>, 'limit'> & {
  readonly limit?: Rule<Native>['limit'] | undefined
}

/**
 * Completes the rule of a limiter with what it knows itself: its `points` and `duration`. It counts
 * fixed windows, in a way of its own.
 *
 * @throws OptionError where the rule asks for what the limiter does not do.
 */
export function foreignRule<Native>(
  where: string,
  limiter: RateLimiterLike,
  rule: ForeignRule<Native>,
): Rule<Native> {
  checkLimiter('rateLimit.store', limiter)
  const known = traitsOf(limiter)
  const { limit = known.limit, window = known.windowMs && toText(known.windowMs) } = rule
  const { algorithm = 'fixed', block, refundIf } = rule
  if (algorithm !== 'fixed')
    throw new OptionError(`${where}.algorithm`, "'fixed' with such a limiter", algorithm)
  if (!isLimit(limit))
    throw new OptionError(`${where}.limit`, 'a number where a limiter does not tell it', limit)
  if (window === undefined)
    throw new OptionError(`${where}.window`, 'given where a limiter does not tell it', window)
  if (known.limit !== undefined && known.limit !== limit)
    throw new OptionError(`${where}.limit`, `${known.limit}, as of the limiter, or absent`, limit)
  if (known.windowMs !== undefined && toMs(`${where}.window`, window) !== known.windowMs)
    throw new OptionError(`${where}.window`, `the limiter's duration, or absent`, window)
  if (block !== undefined)
    throw new OptionError(`${where}.block`, 'absent: a limiter has its own `blockDuration`', block)
  if (refundIf !== undefined && !settles(limiter))
    throw new OptionError(`${where}.refundIf`, 'absent where a limiter has no reward()', refundIf)
  return { ...rule, limit, window, algorithm }
}

/** Whether a charge can be corrected afterwards. */
export function settles(limiter: RateLimiterLike): boolean {
  return typeof limiter.reward === 'function' && typeof limiter.penalty === 'function'
}

function checkLimiter(option: string, limiter: RateLimiterLike): void {
  if (typeof limiter.consume !== 'function')
    throw new OptionError(option, 'a limiter that refuses: the one inside the queue', limiter)
  const { duration, blockDuration, execEvenly } = innermost(limiter)
  if (duration !== undefined && !isWholeSeconds(duration, 1))
    // Of half a second a key without an end would be left on Redis: locked out for ever.
    throw new OptionError(option, 'a limiter whose `duration` is whole seconds above 0', duration)
  if (blockDuration !== undefined && !isWholeSeconds(blockDuration, 0))
    throw new OptionError(option, 'a limiter whose `blockDuration` is whole seconds', blockDuration)
  if (execEvenly === true)
    // What it holds back on purpose would look like a store that does not answer.
    throw new OptionError(option, 'a limiter without `execEvenly`', execEvenly)
}

/** A wrapper's own `points` and `duration` say nothing, where it has any. */
function innermost(limiter: unknown): Members {
  const { limiter: inner } = limiter as Members
  return typeof inner === 'object' && inner !== null ? innermost(inner) : (limiter as Members)
}

function above0(value: unknown): number {
  return typeof value === 'number' && value > 0 ? value : 0
}

function isWholeSeconds(value: unknown, least: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least
}

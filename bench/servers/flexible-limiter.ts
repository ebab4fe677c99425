import { Redis } from 'ioredis'
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import type { Limited } from './limited.ts'

/** What rate-limiter-flexible says about a request. */
export interface FlexibleVerdict {
  readonly refused: boolean
  readonly fields: Readonly<Record<string, string>>
}

/**
 * Asks rate-limiter-flexible about somebody, as its wiki shows it. `block` remembers in the process
 * who is refused, and asks Redis no more about them.
 */
export function flexibleLimiter(
  url: string,
  { limit, seconds }: Limited,
  options: { block: boolean },
): (who: string) => Promise<FlexibleVerdict> {
  const limiter = new RateLimiterRedis({
    storeClient: new Redis(url),
    points: limit,
    duration: seconds,
    ...(options.block ? { inMemoryBlockOnConsumed: limit } : {}),
  })
  return async (who) => {
    try {
      return { refused: false, fields: fieldsOf(await limiter.consume(who), limit) }
    } catch (refused) {
      // It rejects with what it counted; anything else is a failure.
      if (!(refused instanceof RateLimiterRes)) throw refused
      return { refused: true, fields: fieldsOf(refused, limit) }
    }
  }
}

function fieldsOf({ msBeforeNext, remainingPoints }: RateLimiterRes, limit: number) {
  const resetSeconds = Math.ceil(msBeforeNext / 1000)
  return {
    'Retry-After': `${resetSeconds}`,
    'X-RateLimit-Limit': `${limit}`,
    'X-RateLimit-Remaining': `${remainingPoints}`,
    'X-RateLimit-Reset': `${resetSeconds}`,
  }
}

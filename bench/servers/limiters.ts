import express, { type RequestHandler } from 'express'
import { rateLimit } from 'express-rate-limit'
import { Redis } from 'ioredis'
import { type RedisReply, RedisStore } from 'rate-limit-redis'
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import { withRoutes } from './bare.ts'
import { redisOf, type Stack } from './stack.ts'
import { unreachable } from './work.ts'

/** How a limiter is asked: rarely is a limit reached, or always. */
export interface Limited {
  readonly limit: number
  readonly seconds: number
}

/** All requests pass. */
export const passing: Limited = { limit: unreachable, seconds: 60 }

/** All but the first are refused. */
export const refusing: Limited = { limit: 1, seconds: 3600 }

/** express-rate-limit over rate-limit-redis. */
export function expressRateLimit(limited: Limited): Stack {
  return (place) =>
    withRoutes(express().use(expressRateLimiter(new Redis(redisOf(place)), limited)))
}

/** The middleware of express-rate-limit, as the readme of rate-limit-redis sets it up with ioredis. */
export function expressRateLimiter(redis: Redis, { limit, seconds }: Limited): RequestHandler {
  return rateLimit({
    windowMs: seconds * 1000,
    limit,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    store: new RedisStore({
      sendCommand: (command, ...args) => redis.call(command, ...args) as Promise<RedisReply>,
    }),
  })
}

/**
 * rate-limiter-flexible in a handler written by hand, as its wiki shows it. `block` remembers in the
 * process who is refused, and asks Redis no more about them.
 */
export function rateLimiterFlexible(
  { limit, seconds }: Limited,
  options: { block: boolean },
): Stack {
  return (place) => {
    const limiter = new RateLimiterRedis({
      storeClient: new Redis(redisOf(place)),
      points: limit,
      duration: seconds,
      ...(options.block ? { inMemoryBlockOnConsumed: limit } : {}),
    })
    return withRoutes(express().use(consume(limiter, limit)))
  }
}

function consume(limiter: RateLimiterRedis, limit: number): RequestHandler {
  return async function limited(req, res, next) {
    try {
      res.set(fieldsOf(await limiter.consume(req.ip ?? ''), limit))
      next()
    } catch (refused) {
      // It rejects with what it counted; anything else is a failure.
      if (!(refused instanceof RateLimiterRes)) return next(refused)
      res.set(fieldsOf(refused, limit)).status(429).send('Too Many Requests')
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

import express, { type RequestHandler } from 'express'
import { rateLimit } from 'express-rate-limit'
import { Redis } from 'ioredis'
import { type RedisReply, RedisStore } from 'rate-limit-redis'
import { withRoutes } from './bare.ts'
import { flexibleLimiter } from './flexible-limiter.ts'
import type { Limited } from './limited.ts'
import { redisOf, type Stack } from './stack.ts'

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

/** rate-limiter-flexible in a handler written by hand. */
export function rateLimiterFlexible(limited: Limited, options: { block: boolean }): Stack {
  return (place) => {
    const consume = flexibleLimiter(redisOf(place), limited, options)
    const limit: RequestHandler = async (req, res, next) => {
      const { refused, fields } = await consume(req.ip ?? '')
      res.set(fields)
      if (refused) res.status(429).send('Too Many Requests')
      else next()
    }
    return withRoutes(express().use(limit))
  }
}

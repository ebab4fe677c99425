import { Redis } from 'ioredis'
import Koa, { type Middleware } from 'koa'
import ratelimit from 'koa-ratelimit'
import { koaRoutes } from './bare.ts'
import { flexibleLimiter } from './flexible-limiter.ts'
import type { Limited } from './limited.ts'
import { redisOf, type Stack } from './stack.ts'

/** koa-ratelimit, in Redis or in its process. */
export function koaRatelimit(limited: Limited): Stack {
  return ({ redis }) =>
    new Koa()
      .use(koaRatelimiter(redis === undefined ? undefined : new Redis(redis), limited))
      .use(koaRoutes())
      .callback()
}

/** The middleware of koa-ratelimit; without a connection it counts in its process. */
export function koaRatelimiter(redis: Redis | undefined, { limit, seconds }: Limited): Middleware {
  return ratelimit({
    ...(redis ? { driver: 'redis', db: redis } : { driver: 'memory', db: new Map() }),
    duration: seconds * 1000,
    id: ({ ip }) => ip,
    max: limit,
  })
}

/** rate-limiter-flexible in a middleware written by hand. */
export function rateLimiterFlexibleOnKoa(limited: Limited, options: { block: boolean }): Stack {
  return (place) => {
    const consume = flexibleLimiter(redisOf(place), limited, options)
    const limit: Middleware = async (ctx, next) => {
      const { refused, fields } = await consume(ctx.ip)
      ctx.set(fields)
      if (!refused) return next()
      ctx.status = 429
      ctx.body = 'Too Many Requests'
    }
    return new Koa().use(limit).use(koaRoutes()).callback()
  }
}

import apicache, { type CallbackClient } from 'apicache'
import express, { type RequestHandler } from 'express'
import { Redis } from 'ioredis'
import { withRoutes } from './bare.ts'
import type { Stack } from './stack.ts'

/** apicache, in Redis or in its process. */
export const apicacheAlone: Stack = ({ redis }) =>
  withRoutes(express().use(cacheOf(redis === undefined ? undefined : new Redis(redis))))

/** The middleware of apicache. */
export function cacheOf(redis: Redis | undefined): RequestHandler {
  const options = redis === undefined ? {} : { redisClient: callbackClient(redis) }
  return apicache.options(options).middleware('1 hour')
}

/**
 * apicache takes a client of node-redis 3: `connected`, and commands with callbacks. ioredis takes
 * the same callbacks, so that each call of apicache is one call of ioredis; only `connected` is
 * ours. The current node-redis would not do: it knows no callbacks. apicache looks at no reply of
 * its writes; here a failed one ends the process, and with that the run, rather than go unseen.
 */
function callbackClient(redis: Redis): CallbackClient {
  return {
    get connected() {
      return redis.status === 'ready'
    },
    hgetall: (key, done) => redis.hgetall(key, (error, fields) => done(error ?? null, fields)),
    hset: (key, field, value) => redis.hset(key, field, value),
    expire: (key, seconds, done) => redis.expire(key, seconds, done),
    del: (key) => redis.del(key),
  }
}

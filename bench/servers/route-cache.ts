import express, { type RequestHandler } from 'express'
import { Redis } from 'ioredis'
import routeCache from 'route-cache'
import IoRedisStore from 'route-cache/ioRedisStore.js'
import { withRoutes } from './bare.ts'
import type { Stack } from './stack.ts'
import { keptSeconds } from './work.ts'

/** route-cache, in Redis or in its process. */
export const routeCacheAlone: Stack = ({ redis }) =>
  withRoutes(express().use(routeCacheOf(redis === undefined ? undefined : new Redis(redis))))

/** The middleware of route-cache, which has one store for a whole process. */
export function routeCacheOf(redis: Redis | undefined): RequestHandler {
  if (redis) routeCache.config({ cacheStore: new IoRedisStore(redis) })
  return routeCache.cacheSeconds(keptSeconds)
}

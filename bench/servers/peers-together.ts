import type { Express } from 'express'
import { Redis } from 'ioredis'
import { cacheOf } from './apicache.ts'
import { withRoutes } from './bare.ts'
import { langchainHistories } from './langchain.ts'
import { passing } from './limited.ts'
import { expressRateLimiter } from './limiters.ts'
import { routeCacheOf } from './route-cache.ts'
import { withSessions } from './sessions.ts'
import { redisOf, type Stack } from './stack.ts'
import { wholeConversations } from './whole-conversation.ts'

/**
 * What an application puts together today: express-session, express-rate-limit, apicache on GET
 * /answer and LangChain's history on POST /chat. All but LangChain share one connection.
 */
export const peersTogether: Stack = async (place) => {
  const url = redisOf(place)
  const redis = new Redis(url)
  const app = sessionAndLimit(redis).get('/answer', cacheOf(redis))
  return withRoutes(app, await langchainHistories(url))
}

/** The same with route-cache, and conversations that are read and set whole. */
export const peersTogetherByHand: Stack = (place) => {
  const redis = new Redis(redisOf(place))
  const app = sessionAndLimit(redis).get('/answer', routeCacheOf(redis))
  return withRoutes(app, wholeConversations(redis))
}

function sessionAndLimit(redis: Redis): Express {
  return withSessions(redis, { userId: 'ann' }).use(expressRateLimiter(redis, passing))
}

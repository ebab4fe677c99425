import { Redis } from 'ioredis'
import type Koa from 'koa'
import { koaRoutes } from './bare.ts'
import { cashed } from './koa-cash.ts'
import { koaRatelimiter } from './koa-limiters.ts'
import { koaWithSessions } from './koa-sessions.ts'
import { langchainHistories } from './langchain.ts'
import { passing } from './limited.ts'
import { redisOf, type Stack } from './stack.ts'
import { wholeConversations } from './whole-conversation.ts'

/**
 * What an application puts together today: koa-session, koa-ratelimit, koa-cash on GET /answer and
 * LangChain's history on POST /chat. All but LangChain share one connection.
 */
export const koaPeersTogether: Stack = async (place) => {
  const url = redisOf(place)
  const app = sessionLimitAndCache(new Redis(url))
  return app.use(koaRoutes(await langchainHistories(url))).callback()
}

/** The same with conversations that are read and set whole. */
export const koaPeersTogetherByHand: Stack = (place) => {
  const redis = new Redis(redisOf(place))
  return sessionLimitAndCache(redis)
    .use(koaRoutes(wholeConversations(redis)))
    .callback()
}

function sessionLimitAndCache(redis: Redis): Koa {
  const app = koaWithSessions(redis, { userId: 'ann' }).use(koaRatelimiter(redis, passing))
  for (const each of cashed(redis, ({ path }) => path === '/answer')) app.use(each)
  return app
}

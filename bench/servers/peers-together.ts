import { Redis } from 'ioredis'
import { cacheOf } from './apicache.ts'
import { withRoutes } from './bare.ts'
import { langchainHistories } from './langchain.ts'
import { expressRateLimiter, passing } from './limiters.ts'
import { withSessions } from './sessions.ts'
import { redisOf, type Stack } from './stack.ts'

/**
 * What an application puts together today: express-session, express-rate-limit, apicache on GET
 * /answer and LangChain's history on POST /chat. All but LangChain share one connection.
 */
export const peersTogether: Stack = async (place) => {
  const url = redisOf(place)
  const redis = new Redis(url)
  const app = withSessions(redis, { userId: 'ann' })
  app.use(expressRateLimiter(redis, passing))
  app.get('/answer', cacheOf(redis))
  return withRoutes(app, await langchainHistories(url))
}

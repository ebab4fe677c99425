import { RedisStore } from 'connect-redis'
import express, { type Express, type Request } from 'express'
import session, { type SessionData } from 'express-session'
import { Redis } from 'ioredis'
import { sessionSecret } from '../session-cookie.ts'
import { withRoutes } from './bare.ts'
import { redisOf, type Stack } from './stack.ts'
import { type Conversation, keptSeconds, opening, type Said } from './work.ts'

declare module 'express-session' {
  interface SessionData {
    history?: readonly Said[]
    userId?: string
  }
}

/** express-session over connect-redis, with the conversation in the session. */
export const expressSession: Stack = (place) => {
  const app = withSessions(new Redis(redisOf(place)), { history: opening })
  return withRoutes(app, inSession)
}

/** An app with sessions. POST /fill makes a session of what `begun` holds: a visitor is known. */
export function withSessions(redis: Redis, begun: Partial<SessionData>): Express {
  const store = new RedisStore({ client: redis, ttl: keptSeconds })
  const app = express()
  app.post('/fill', async (req, _res, next) => {
    const cookie = { originalMaxAge: null, httpOnly: true, path: '/' }
    await store.set(String(req.get('x-session-id')), { ...begun, cookie })
    next()
  })
  // As the readme of express-session recommends for stores that implement touch.
  return app.use(session({ store, secret: sessionSecret, resave: false, saveUninitialized: false }))
}

/** The session is read before the handler and written when the response ends, whole each time. */
function inSession({ session }: Request): Conversation {
  return {
    last: async (count) => session.history?.slice(-count) ?? [],
    async append(messages) {
      session.history = [...(session.history ?? []), ...messages]
    },
    async restart(messages) {
      session.history = messages
    },
  }
}

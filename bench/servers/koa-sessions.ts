import { Redis } from 'ioredis'
import Koa, { type Context, type Middleware } from 'koa'
import session from 'koa-session'
import { sessionSecret } from '../session-cookie.ts'
import { koaRoutes } from './bare.ts'
import { redisOf, type Stack } from './stack.ts'
import { type Conversation, keptSeconds, opening, type Said } from './work.ts'

/** What a session holds. */
interface Kept {
  history?: readonly Said[]
  userId?: string
}

/** koa-session over ioredis, with the conversation in the session. */
export const koaSession: Stack = (place) =>
  koaWithSessions(new Redis(redisOf(place)), { history: opening })
    .use(koaRoutes(inSession))
    .callback()

/** An app with sessions. POST /fill makes a session of what `begun` holds: a visitor is known. */
export function koaWithSessions(redis: Redis, begun: Kept): Koa {
  const store = keptIn(redis)
  const maxAge = keptSeconds * 1000
  const filled: Middleware = async (ctx, next) => {
    if (ctx.path === '/fill') await store.set(ctx.get('x-session-id'), begun, maxAge)
    await next()
  }
  const app = new Koa()
  app.keys = [sessionSecret]
  return app.use(filled).use(session({ store, maxAge }, app))
}

/** As JSON: its documentation asks for these three, and leaves them to the application. */
function keptIn(redis: Redis) {
  return {
    async get(id: string) {
      const text = await redis.get(`session:${id}`)
      return text === null ? undefined : JSON.parse(text)
    },
    async set(id: string, kept: unknown, maxAge: number) {
      await redis.set(`session:${id}`, JSON.stringify(kept), 'PX', maxAge)
    },
    async destroy(id: string) {
      await redis.del(`session:${id}`)
    },
  }
}

/** The session is read before the handler and written behind it, whole each time. */
function inSession(ctx: Context): Conversation {
  const kept: Kept = ctx['session']
  return {
    last: async (count) => kept.history?.slice(-count) ?? [],
    async append(messages) {
      kept.history = [...(kept.history ?? []), ...messages]
    },
    async restart(messages) {
      kept.history = messages
    },
  }
}

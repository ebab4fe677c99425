import { Redis } from 'ioredis'
import Koa, { type Context, type Middleware } from 'koa'
import koaCash from 'koa-cash'
import { koaRoutes } from './bare.ts'
import type { Stack } from './stack.ts'
import { keptSeconds } from './work.ts'

/** koa-cash, in Redis or in its process. */
export const koaCashAlone: Stack = ({ redis }) => {
  const app = new Koa()
  for (const each of cashed(redis === undefined ? undefined : new Redis(redis))) app.use(each)
  return app.use(koaRoutes()).callback()
}

/**
 * The middleware of koa-cash, and one that answers from it what `asked` says: what keeps the answers
 * is the application's.
 */
export function cashed(
  redis: Redis | undefined,
  asked: (ctx: Context) => boolean = () => true,
): readonly Middleware[] {
  const { get, set } = redis === undefined ? keptHere() : keptIn(redis)
  const answered: Middleware = async (ctx, next) => {
    if (!asked(ctx)) return next()
    if (!(await (ctx as Context & { cashed(): Promise<boolean> }).cashed())) await next()
  }
  return [koaCash({ maxAge: keptSeconds * 1000, get, set }), answered]
}

type Kept = Pick<Parameters<typeof koaCash>[0], 'get' | 'set'>

function keptHere(): Kept {
  const kept = new Map<string, unknown>()
  return {
    get: async (key) => kept.get(key),
    set: async (key, value) => void kept.set(key, value),
  }
}

/** As JSON, as its documentation shows. */
function keptIn(redis: Redis): Kept {
  return {
    async get(key) {
      const text = await redis.get(key)
      return text === null ? undefined : JSON.parse(text)
    },
    set: async (key, value) =>
      void (await redis.set(key, JSON.stringify(value), 'EX', keptSeconds)),
  }
}

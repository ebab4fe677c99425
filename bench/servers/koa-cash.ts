import { Redis } from 'ioredis'
import Koa, { type Context, type Middleware } from 'koa'
import koaCash from 'koa-cash'
import { koaRoutes } from './bare.ts'
import type { Stack } from './stack.ts'
import { keptSeconds } from './work.ts'

/** koa-cash, in Redis or in its process: what keeps its answers is the application's. */
export const koaCashAlone: Stack = ({ redis }) => {
  const { get, set } = redis === undefined ? keptHere() : keptIn(new Redis(redis))
  const answered: Middleware = async (ctx, next) => {
    if (!(await (ctx as Context & { cashed(): Promise<boolean> }).cashed())) await next()
  }
  return new Koa()
    .use(koaCash({ maxAge: keptSeconds * 1000, get, set }))
    .use(answered)
    .use(koaRoutes())
    .callback()
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

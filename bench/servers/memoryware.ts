import express from 'express'
import Koa from 'koa'
import * as onExpress from '../../middleware/express.ts'
import * as onKoa from '../../middleware/koa.ts'
import { koaRoutes, withRoutes } from './bare.ts'
import { conversationOf, mountsOf, type Part } from './mounts.ts'
import type { Stack } from './stack.ts'

/** A part of memoryware on Express. */
export function memorywareOnExpress(part: Part): Stack {
  return (place) => {
    const { memory, limit, cache } = mountsOf(part, place)
    const app = express()
    const middlewares = [
      memory && onExpress.sessionMemory(memory),
      limit && onExpress.rateLimit(limit),
      cache && onExpress.cacheResponse(cache),
    ]
    app.use(onExpress.compose(...middlewares.filter((each) => each !== undefined)))
    return withRoutes(app, memory && ((req) => conversationOf(req.memory, part)))
  }
}

/** A part of memoryware on Koa. */
export function memorywareOnKoa(part: Part): Stack {
  return (place) => {
    const { memory, limit, cache } = mountsOf(part, place)
    const app = new Koa()
    const middlewares = [
      memory && onKoa.sessionMemory(memory),
      limit && onKoa.rateLimit(limit),
      cache && onKoa.cacheResponse(cache),
    ]
    app.use(onKoa.compose(...middlewares.filter((each) => each !== undefined)))
    return app.use(koaRoutes(memory && ((ctx) => conversationOf(ctx.memory, part)))).callback()
  }
}

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
    if (memory) app.use(onExpress.sessionMemory(memory))
    if (limit) app.use(onExpress.rateLimit(limit))
    if (cache) app.use(onExpress.cacheResponse(cache))
    return withRoutes(app, memory && ((req) => conversationOf(req.memory, part)))
  }
}

/** A part of memoryware on Koa. */
export function memorywareOnKoa(part: Part): Stack {
  return (place) => {
    const { memory, limit, cache } = mountsOf(part, place)
    const app = new Koa()
    if (memory) app.use(onKoa.sessionMemory(memory))
    if (limit) app.use(onKoa.rateLimit(limit))
    if (cache) app.use(onKoa.cacheResponse(cache))
    return app.use(koaRoutes(memory && ((ctx) => conversationOf(ctx.memory, part)))).callback()
  }
}

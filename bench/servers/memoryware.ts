import express, { type RequestHandler } from 'express'
import Koa, { type Middleware } from 'koa'
import * as onExpress from '../../middleware/express.ts'
import * as onKoa from '../../middleware/koa.ts'
import { koaRoutes, withRoutes } from './bare.ts'
import { conversationOf, type Mounts, mountsOf, type Part } from './mounts.ts'
import type { Stack } from './stack.ts'
import { answeredUnsettled } from './work.ts'

/** A part of memoryware on Express. */
export function memorywareOnExpress(part: Part): Stack {
  return (place) => {
    const mounts = mountsOf(part, place)
    const app = express().use(mounted<RequestHandler>(onExpress, mounts))
    if (part === 'settle')
      app.get('/settled', ({ rateLimit }, res) => {
        res.json(answeredUnsettled(rateLimit))
      })
    return withRoutes(app, mounts.memory && ((req) => conversationOf(req.memory, part)))
  }
}

/** A part of memoryware on Koa. */
export function memorywareOnKoa(part: Part): Stack {
  return (place) => {
    const mounts = mountsOf(part, place)
    const app = new Koa()
    for (const each of mounted<Middleware>(onKoa, mounts)) app.use(each)
    if (part === 'settle') app.use(settledOnKoa)
    const open = mounts.memory && ((ctx: Koa.Context) => conversationOf(ctx.memory, part))
    return app.use(koaRoutes(open)).callback()
  }
}

const settledOnKoa: Middleware = async (ctx, next) => {
  if (ctx.path !== '/settled') return next()
  ctx.body = answeredUnsettled(ctx.rateLimit)
}

/** What makes the middlewares of a framework. */
interface Makers<Made> {
  sessionMemory(options: NonNullable<Mounts['memory']>): Made
  rateLimit(options: NonNullable<Mounts['limit']>): Made
  cacheResponse(options: NonNullable<Mounts['cache']>): Made
  compose(...middlewares: readonly Made[]): Made
}

function mounted<Made>(
  { sessionMemory, rateLimit, cacheResponse, compose }: Makers<Made>,
  { memory, limit, cache, composed }: Mounts,
): Made[] {
  const all = [
    ...(memory ? [sessionMemory(memory)] : []),
    ...(limit ? [rateLimit(limit)] : []),
    ...(cache ? [cacheResponse(cache)] : []),
  ]
  return composed ? [compose(...all)] : all
}

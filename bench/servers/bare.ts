import { pipeline, Readable } from 'node:stream'
import { json } from 'node:stream/consumers'
import express, { type Express, type Request } from 'express'
import Koa, { type Context, type Middleware } from 'koa'
import type { Stack } from './stack.ts'
import {
  answer,
  type Conversation,
  chatTurn,
  eventStream,
  events,
  hugeAnswer,
  idleEvents,
  keepReply,
  largeAnswer,
  largestAnswer,
  longEvents,
  once,
  opening,
  slowAnswer,
  turn,
  turnAnswered,
  vastAnswer,
} from './work.ts'

/** Opens the conversation that a request belongs to. */
export type OpenOn<Native> = (native: Native) => Conversation

/** What finds the conversation of a request on either framework. */
export interface Asking {
  get(field: string): string | undefined
}

/** The routes alone, on Express. */
export const bareExpress: Stack = () => withRoutes(express())

/** The routes alone, on Koa. */
export const bareKoa: Stack = () => new Koa().use(koaRoutes()).callback()

/** Puts the routes behind what an app has mounted already. Chats are kept where `open` says. */
export function withRoutes(app: Express, open?: OpenOn<Request>): Express {
  app.get('/limited', (_req, res) => {
    res.json(once({ ok: true }))
  })
  for (const [path, what] of Object.entries(answersAt))
    app.get(path, (_req, res) => {
      res.json(once(what))
    })
  app.get('/slow', async (_req, res) => {
    res.json(await slowAnswer())
  })
  for (const [path, what] of Object.entries(streamsAt))
    app.get(path, (_req, res) => {
      res.type('text/event-stream')
      pipeline(eventStream(what), res, () => undefined)
    })
  app.post('/chat', express.json(), async (req, res) => {
    res.json(await chatTurn(open?.(req), String(req.body.q)))
  })
  app.post('/turn', express.json(), async (req, res) => {
    res.json(await turnAnswered(open?.(req), String(req.body.q)))
  })
  app.post('/kept', async (_req, res) => {
    await keepReply()
    res.json({ ok: true })
  })
  app.post('/append', express.json(), async (req, res) => {
    await open?.(req).append(turn(String(req.body.q)))
    res.json({ ok: true })
  })
  app.post('/fill', async (req, res) => {
    await open?.(req).restart(opening)
    res.json({ ok: true })
  })
  return app
}

/** The same routes on Koa, without a router: no stack has another one either. */
export function koaRoutes(open?: OpenOn<Context>): Middleware {
  const routes: Record<string, (ctx: Context) => Promise<unknown> | unknown> = {
    '/limited': () => once({ ok: true }),
    ...Object.fromEntries(
      Object.entries(answersAt).map(([path, what]) => [path, () => once(what)]),
    ),
    '/slow': slowAnswer,
    ...Object.fromEntries(
      Object.entries(streamsAt).map(([path, what]) => [path, (ctx) => streamedOnKoa(ctx, what)]),
    ),
    '/chat': async (ctx) => chatTurn(open?.(ctx), await questionOf(ctx)),
    '/turn': async (ctx) => turnAnswered(open?.(ctx), await questionOf(ctx)),
    '/kept': async () => {
      await keepReply()
      return { ok: true }
    },
    '/append': async (ctx) => {
      await open?.(ctx).append(turn(await questionOf(ctx)))
      return { ok: true }
    },
    '/fill': async (ctx) => {
      await open?.(ctx).restart(opening)
      return { ok: true }
    },
  }
  return async (ctx) => {
    const route = routes[ctx.path]
    if (route) ctx.body = await route(ctx)
  }
}

const answersAt = {
  '/answer': answer,
  '/answer64': largeAnswer,
  '/answer200': hugeAnswer,
  '/answer256': vastAnswer,
  '/answer1024': largestAnswer,
}

const streamsAt = { '/events': events, '/events/long': longEvents, '/events/idle': idleEvents }

function streamedOnKoa(ctx: Context, what: typeof events): Readable {
  ctx.type = 'text/event-stream'
  return Readable.from(eventStream(what), { objectMode: false })
}

async function questionOf({ req }: Context): Promise<string> {
  const { q } = (await json(req)) as { q: unknown }
  return String(q)
}

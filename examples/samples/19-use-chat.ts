import { json } from 'node:stream/consumers'
import { convertToModelMessages, type LanguageModel, streamText, type ToolSet } from 'ai'
import express, { type Express } from 'express'
import Koa from 'koa'
import type { Store } from 'memoryware'
import { type AiSdkSource, aiSdkStore } from 'memoryware/ai-sdk'
import * as onExpress from 'memoryware/express'
import * as onKoa from 'memoryware/koa'

/** Asks a model of the AI SDK. */
export function asking(model: LanguageModel, tools: ToolSet = {}): AiSdkSource {
  return async ({ messages, system, signal }) =>
    streamText({
      model,
      tools,
      messages: await convertToModelMessages(messages, { tools }),
      ...(system !== undefined && { system }),
      abortSignal: signal,
    })
}

/** What `useChat({ id, resume: true })` asks of a server; the routes stop, list, rename and delete. */
export function chatOnExpress(store: Store, source: AiSdkSource): Express {
  const app = express().use(onExpress.sessionMemory({ store }), express.json())
  app.post('/api/chat', async (req, res) => {
    await aiSdkStore(req.memory.open(req.body?.id)).answer(req.body, res, source)
  })
  app.get('/api/chat/:sessionId/stream', async (req, res) => {
    if (!(await req.memory.resume(res, { as: 'ui' }))) res.sendStatus(204)
  })
  app.get('/api/chat/:sessionId/messages', async (req, res) => {
    res.json(await aiSdkStore(req.memory).load())
  })
  return app.use('/api/chat', onExpress.memoryRoutes())
}

/** The same on Koa. */
export function chatOnKoa(store: Store, source: AiSdkSource): Koa {
  const app = new Koa().use(onKoa.sessionMemory({ store }))
  app.use(async (ctx, next) => {
    const [, id = '', part] = /^\/api\/chat\/([^/]+)\/(stream|messages)$/.exec(ctx.path) ?? []
    if (ctx.method === 'POST' && ctx.path === '/api/chat') {
      const body = (await json(ctx.req)) as { id: string }
      await aiSdkStore(ctx.memory.open(body.id)).answer(body, ctx, source)
    } else if (part === 'stream') {
      if (!(await ctx.memory.open(id).resume(ctx, { as: 'ui' }))) ctx.status = 204
    } else if (part === 'messages') ctx.body = await aiSdkStore(ctx.memory.open(id)).load()
    else await next()
  })
  return app.use(onKoa.memoryRoutes({ path: '/api/chat' }))
}

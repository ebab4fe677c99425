import { readFile } from 'node:fs/promises'
import Koa, { type Context, type Middleware, type Next } from 'koa'
import type { Turn } from 'memoryware'
import { cacheResponse, rateLimit, sessionMemory } from 'memoryware/koa'
import type { Answerer } from './answers.ts'
import { page } from './page.ts'

const policy = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'"

/** A chat for guests, and the same answers to everybody at `GET /answer?q=…`. */
export function chatApp(answerer: Answerer, limit: number): Koa {
  const app = new Koa()
  app.use((ctx, next) => {
    ctx.set({ 'Content-Security-Policy': policy, 'X-Content-Type-Options': 'nosniff' })
    return next()
  })
  app.use(sessionMemory())
  app.use(at('GET /', (ctx) => show(ctx)))
  app.use(at('POST /', readMessage))
  app.use(at('POST /', rateLimit({ limit, window: '1m' })))
  app.use(at('POST /', (ctx) => converse(ctx, answerer)))
  app.use(at('GET /answer', cacheResponse({ ttl: '5m', scope: 'public' })))
  app.use(
    at('GET /answer', async (ctx) => {
      ctx.body = await answerer([{ role: 'user', content: String(ctx.query['q'] ?? '') }])
    }),
  )
  app.use(
    at('GET /style.css', async (ctx) => {
      ctx.type = 'css'
      ctx.body = await readFile(new URL('style.css', import.meta.url))
    }),
  )
  return app
}

function at(route: string, middleware: Middleware): Middleware {
  return (ctx, next) => {
    const asked = `${ctx.method === 'HEAD' ? 'GET' : ctx.method} ${ctx.path}`
    return asked === route ? middleware(ctx, next) : next()
  }
}

async function show(ctx: Context, about: { problem?: string; draft?: string } = {}): Promise<void> {
  const { items } = await ctx.memory.history()
  ctx.set('Cache-Control', 'no-store')
  ctx.type = 'html'
  ctx.body = page({ messages: items, ...about })
}

/** Reads the form. A refusal further in is shown to people as a page, to programs as it is. */
async function readMessage(ctx: Context, next: Next): Promise<void> {
  let form = ''
  for await (const bytes of ctx.req) {
    form += bytes
    if (form.length > 20_000) ctx.throw(413)
  }
  const fields = new URLSearchParams(form)
  const text = fields.get('text')?.trim() ?? ''
  if (text === '' || text.length > 2000) ctx.throw(400, 'Send one message as `text`')
  ctx.state['text'] = text
  ctx.state['id'] = fields.get('id') ?? crypto.randomUUID()
  await next()
  if (ctx.status !== 429 || ctx.accepts('json', 'html') !== 'html') return
  const seconds = ctx.response.get('Retry-After')
  await show(ctx, { problem: `Too many messages. Try again in ${seconds} s.`, draft: text })
}

/** Answers messages one after another, and a form that is sent twice once. */
async function converse(ctx: Context, answerer: Answerer): Promise<void> {
  const draft = String(ctx.state['text'])
  const id = String(ctx.state['id'])
  const turn = await ctx.memory.turn({ id, role: 'user', content: draft })
  if (turn.replay || turn.joined) await turn.reply()
  else {
    const content = await answerTo(ctx, turn, answerer)
    if (content === undefined) {
      ctx.status = 502
      return show(ctx, { problem: 'That did not work. Try again.', draft })
    }
    await turn.commit({ role: 'assistant', content })
  }
  ctx.status = 303
  ctx.redirect('/')
}

/** The answer; where there is none, the question is taken back. */
async function answerTo(ctx: Context, turn: Turn, answerer: Answerer): Promise<string | undefined> {
  try {
    const { messages } = await turn.context()
    return await answerer(messages)
  } catch (error) {
    ctx.app.emit('error', error, ctx)
    await turn.abort(error)
    await ctx.memory.rewind(turn.id)
    return undefined
  }
}

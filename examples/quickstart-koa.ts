import { json } from 'node:stream/consumers'
import Koa from 'koa'
import { cached } from 'memoryware'
import { cacheResponse, rateLimit, sessionMemory } from 'memoryware/koa'

const answer = cached(async (q: string) => `You asked: ${q}`, { name: 'answer', ttl: '10m' })
const app = new Koa().use(sessionMemory()).use(rateLimit({ limit: 10, window: '1m' }))
app.use(cacheResponse({ ttl: '5m', scope: 'public' })).use(async (ctx) => {
  const asked = ctx.method === 'POST' ? ((await json(ctx.req)) as { q: string }) : ctx.query
  ctx.body = { answer: await answer(String(asked.q)) }
  if (ctx.method !== 'POST') return
  await ctx.memory.append({ role: 'user', content: String(asked.q) })
  await ctx.memory.append({ role: 'assistant', content: await answer(String(asked.q)) })
  ctx.body = await ctx.memory.context()
})
app.listen(Number(process.env['PORT'] ?? 3000))

import express from 'express'
import { cached } from 'memoryware'
import { cacheResponse, rateLimit, sessionMemory } from 'memoryware/express'

const answer = cached(async (q: string) => `You asked: ${q}`, { name: 'answer', ttl: '10m' })
const app = express().use(sessionMemory(), express.json())
app.post('/chats/:sessionId', rateLimit({ limit: 10, window: '1m' }), async (req, res) => {
  await req.memory.append({ role: 'user', content: String(req.body.q) })
  await req.memory.append({ role: 'assistant', content: await answer(String(req.body.q)) })
  res.json(await req.memory.context())
})
app.get('/answer', cacheResponse({ ttl: '5m', scope: 'public' }), async (req, res) => {
  res.json({ answer: await answer(String(req.query['q'])) })
})
app.listen(Number(process.env['PORT'] ?? 3000))

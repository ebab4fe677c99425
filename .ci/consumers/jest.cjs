const { once } = require('node:events')
const express = require('express')
const { createStore } = require('memoryware')
const { cacheResponse, rateLimit, sessionMemory } = require('memoryware/express')

const store = createStore({ provider: 'embedded' })
let server
let url

beforeAll(async () => {
  let runs = 0
  const app = express().use(sessionMemory({ store }))
  app.get('/chat', rateLimit({ store, limit: 1 }), async (req, res) => {
    await req.memory.append({ role: 'user', content: 'Hello' })
    res.json(await req.memory.context())
  })
  app.get('/answer', cacheResponse({ store, ttl: 60 }), (_req, res) => {
    runs += 1
    res.json({ runs })
  })
  server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${server.address().port}`
})

afterAll(async () => {
  server.close()
  server.closeAllConnections()
  await store.close()
})

test('remembers, and refuses above the limit', async () => {
  const { messages, tokens } = await (await fetch(`${url}/chat`)).json()
  expect(messages.map(({ content }) => content)).toEqual(['Hello'])
  expect(tokens).toBe(1)
  const refused = await fetch(`${url}/chat`)
  expect(refused.status).toBe(429)
  expect(refused.headers.get('ratelimit')).toMatch(/r=0/)
})

test('answers from the cache', async () => {
  await fetch(`${url}/answer`)
  const hit = await fetch(`${url}/answer`)
  expect(hit.headers.get('cache-status')).toMatch(/hit/)
  expect(await hit.json()).toEqual({ runs: 1 })
})

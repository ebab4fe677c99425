import express, { type Express } from 'express'
import type { Store } from 'memoryware'
import { sessionMemory } from 'memoryware/express'

/** Keeps the newest 40 messages of a conversation, of which a model is shown 10 at most. */
export function boundedApp(store: Store): Express {
  const app = express().use(
    sessionMemory({ store, maxStored: 40, context: { messages: 10, tokens: 2_000 } }),
    express.json(),
  )
  app.post('/', async (req, res) => {
    await req.memory.append({ role: 'user', content: String(req.body.text) })
    const { items } = await req.memory.history({ limit: 1_000 })
    const { messages } = await req.memory.context()
    res.json({
      kept: items.map(({ content }) => content),
      shown: messages.map(({ content }) => content),
    })
  })
  return app
}

import express, { type Express } from 'express'
import type { Message, Store } from 'memoryware'
import { sessionMemory } from 'memoryware/express'

/** Answers the last of these messages. */
export type Model = (messages: readonly Message[]) => Promise<string>

/** A chat of many turns: the model sees what was said before. */
export function chatApp(store: Store, model: Model): Express {
  const app = express().use(sessionMemory({ store }), express.json())

  app.post('/chats/:sessionId', async (req, res) => {
    const question = { role: 'user', content: String(req.body.text) } as const
    const { messages } = await req.memory.context()
    const content = await model([...messages, question])
    await req.memory.append([question, { role: 'assistant', content }])
    res.json({ content })
  })

  app.get('/chats/:sessionId', async (req, res) => {
    const { items } = await req.memory.history()
    res.json(items.map(({ role, content }) => ({ role, content })))
  })
  return app
}

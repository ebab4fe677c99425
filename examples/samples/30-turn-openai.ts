import express, { type Express } from 'express'
import type { Store, Turn } from 'memoryware'
import { sessionMemory } from 'memoryware/express'
import type OpenAI from 'openai'

/** A chat whose answers come from OpenAI, or from whoever speaks like it. */
export function openaiChat(store: Store, openai: OpenAI, model: string): Express {
  const app = express().use(sessionMemory({ store }), express.json())

  // Begun only where the answer is not there already.
  async function* answer(turn: Turn) {
    const { messages } = await turn.context({ as: 'openai' })
    const request = { model, messages, stream: true } as const
    yield* await openai.chat.completions.create(request, { signal: turn.signal })
  }

  app.post('/chats/:sessionId', async (req, res) => {
    const { id, text } = req.body
    const turn = await req.memory.turn({ id, role: 'user', content: String(text) })
    await turn.pipe(answer(turn), res)
  })
  return app
}

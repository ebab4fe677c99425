import {
  convertToModelMessages,
  type LanguageModel,
  stepCountIs,
  streamText,
  type ToolSet,
} from 'ai'
import express, { type Express } from 'express'
import type { Store, Turn } from 'memoryware'
import { memoryRoutes, sessionMemory } from 'memoryware/express'

/** A chat for the AI SDK's `useChat`, which sends its newest message and follows the answer. */
export function uiChat(store: Store, model: LanguageModel, tools: ToolSet = {}): Express {
  const app = express().use(sessionMemory({ store }), express.json())

  async function* answer(turn: Turn) {
    const { system, messages } = await turn.context({ as: 'ai-sdk' })
    const { fullStream } = streamText({
      model,
      tools,
      ...(system !== undefined && { system }),
      messages: await convertToModelMessages(messages),
      stopWhen: stepCountIs(5),
      abortSignal: turn.signal,
    })
    yield* fullStream
  }

  app.post('/chats', async (req, res) => {
    const { id, message } = req.body
    const turn = await req.memory.open(id).turn(message)
    await turn.pipe(answer(turn), res, { as: 'ui' })
  })
  // Among others GET /chats/:id/stream?as=ui and POST /chats/:id/stop.
  app.use('/chats', memoryRoutes())
  return app
}

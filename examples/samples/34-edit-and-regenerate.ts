import express, { type Express } from 'express'
import {
  type Memory,
  RequestError,
  type Store,
  type StoredMessage,
  type TurnSource,
} from 'memoryware'
import { sessionMemory } from 'memoryware/express'

/** A chat in which a question can be put in other words, and answered once more. */
export function editableChat(store: Store, answer: (text: string) => TurnSource): Express {
  const app = express().use(sessionMemory({ store }), express.json())

  app.post('/chats/:sessionId', async (req, res) => {
    const text = String(req.body.text)
    const turn = await req.memory.turn({ role: 'user', content: text })
    await turn.pipe(answer(text), res)
  })

  // The question goes with all that came after it, and another is asked.
  app.post('/chats/:sessionId/edit', async (req, res) => {
    const { message, text } = req.body
    await req.memory.rewind(message)
    const turn = await req.memory.turn({ role: 'user', content: String(text) })
    await turn.pipe(answer(String(text)), res)
  })

  // Only the answer goes: the same question has none any more, and begins its turn again.
  app.post('/chats/:sessionId/regenerate', async (req, res) => {
    const { question, reply } = await lastTurn(req.memory)
    if (reply) await req.memory.rewind(reply.id)
    const turn = await req.memory.turn(question)
    await turn.pipe(answer(String(question.content)), res)
  })

  // The same in a copy of the conversation, which keeps the first answer.
  app.post('/chats/:sessionId/branch', async (req, res) => {
    const { question } = await lastTurn(req.memory)
    const branch = await req.memory.fork(question.id)
    const turn = await branch.turn(question)
    res.setHeader('X-Session-Id', branch.id)
    await turn.pipe(answer(String(question.content)), res)
  })
  return app
}

async function lastTurn(
  memory: Memory,
): Promise<{ question: StoredMessage; reply: StoredMessage | undefined }> {
  const { items } = await memory.history()
  const at = items.findLastIndex(({ role }) => role === 'user')
  const question = items[at]
  if (question === undefined) throw new RequestError(404, 'Nothing was asked here')
  return { question, reply: items[at + 1] }
}

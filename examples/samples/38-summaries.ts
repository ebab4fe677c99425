import express, { type Express } from 'express'
import type { Store, Summarize, Turn } from 'memoryware'
import { memoryRoutes, sessionMemory } from 'memoryware/express'
import type OpenAI from 'openai'

const task = 'Sum up this conversation in at most 200 words: names, decisions, open questions.'

/** A chat whose model sees the last messages, and a summary of those before them. */
export function summarizingChat(store: Store, openai: OpenAI, model: string): Express {
  const summarize: Summarize = async (dropped, previous, signal) => {
    const lines = dropped.map(({ role, content }) => `${role}: ${JSON.stringify(content)}`)
    const told = [...(previous === undefined ? [] : [`So far: ${previous}`]), ...lines].join('\n')
    const messages = [
      { role: 'system', content: task },
      { role: 'user', content: told },
    ] as const
    const answer = await openai.chat.completions.create(
      { model, messages: [...messages] },
      { signal },
    )
    return answer.choices[0]?.message.content ?? ''
  }

  async function* answer(turn: Turn) {
    const { messages } = await turn.context({ as: 'openai' })
    const request = { model, messages, stream: true } as const
    yield* await openai.chat.completions.create(request, { signal: turn.signal })
  }

  const context = { messages: 10 }
  const app = express().use(sessionMemory({ store, context, summarize }), express.json())
  app.post('/chats/:sessionId', async (req, res) => {
    const turn = await req.memory.turn({ role: 'user', content: String(req.body.text) })
    await turn.pipe(answer(turn), res)
  })
  app.use('/chats', memoryRoutes())
  return app
}

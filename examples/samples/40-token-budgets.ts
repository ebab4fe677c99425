import express, { type Express, type Request } from 'express'
import type { Store, Turn } from 'memoryware'
import { rateLimit, sessionMemory } from 'memoryware/express'
import type OpenAI from 'openai'

const tokens = { context: 4_000, answer: 500 }

/** A chat that reserves what an answer may take at most, and settles what it took. */
export function budgetedChat(
  store: Store,
  { openai, model, user }: { openai: OpenAI; model: string; user: (req: Request) => string },
): Express {
  const cost = tokens.context + tokens.answer
  const budget = rateLimit({
    store,
    user,
    limits: [
      { name: 'tpm', limit: 20_000, window: '1m', cost, unit: 'tokens' },
      { name: 'tpd', limit: 200_000, window: '1d', cost, unit: 'tokens' },
      { name: 'answers', algorithm: 'concurrency', limit: 2 },
    ],
  })
  const app = express()
  app.use(sessionMemory({ store, user, context: { tokens: tokens.context } }), express.json())

  app.post('/chats/:sessionId', budget, async (req, res) => {
    async function* answer(turn: Turn) {
      const { messages } = await turn.context({ as: 'openai' })
      const request = { model, messages, max_completion_tokens: tokens.answer }
      const asked = openai.chat.completions.create(
        { ...request, stream: true, stream_options: { include_usage: true } },
        { signal: turn.signal },
      )
      // A model that does not begin has used nothing. The response has begun, so say so.
      asked.catch(() => req.rateLimit.release())
      for await (const chunk of await asked) {
        // The last chunk tells what was used; the others change nothing.
        await req.rateLimit.settleUsage(chunk)
        yield chunk
      }
    }

    const { id, text } = req.body
    const turn = await req.memory.turn({ id, role: 'user', content: String(text) })
    // The same question once more: no model is asked, and what was reserved comes back.
    if (turn.replay !== undefined || turn.joined) await req.rateLimit.release()
    await turn.pipe(answer(turn), res)
  })

  app.get('/budget', async (req, res) => {
    const { limits } = await budget.peek(user(req), { cost: 0 })
    res.json({ minute: limits['tpm']?.remaining, day: limits['tpd']?.remaining })
  })
  return app
}

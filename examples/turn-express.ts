import { setTimeout as sleep } from 'node:timers/promises'
import express from 'express'
import type { Turn } from 'memoryware'
import { memoryRoutes, sessionMemory } from 'memoryware/express'

// Stands in for a model, which says a word every 50 ms.
async function* answer(turn: Turn) {
  const { messages } = await turn.context({ as: 'openai' })
  const said = `You are at message ${messages.length}, which is: ${messages.at(-1)?.content}`
  for (const word of said.split(/(?<= )/)) {
    yield word
    await sleep(50, undefined, { signal: turn.signal })
  }
}

const app = express().use(sessionMemory(), express.json())

app.post('/chats/:sessionId', async (req, res) => {
  const { id, text } = req.body
  const turn = await req.memory.turn({ id, role: 'user', content: text })
  await turn.pipe(answer(turn), res)
})

// List, read, rename, delete, export, stop, follow: behind the app's own routes.
app.use('/chats', memoryRoutes())
app.listen(Number(process.env['PORT'] ?? 3000))

import express, { type Express } from 'express'
import type { Store, TurnSource } from 'memoryware'
import { sessionMemory } from 'memoryware/express'

/** Answers that can be stopped, and followed again, in whichever process they are given. */
export function resumableChat(store: Store, answer: (text: string) => TurnSource): Express {
  const app = express().use(sessionMemory({ store }), express.json())

  app.post('/chats/:sessionId', async (req, res) => {
    const text = String(req.body.text)
    const turn = await req.memory.turn({ role: 'user', content: text })
    await turn.pipe(answer(text), res)
  })

  // A browser's EventSource sends the id of the last event it has seen; 204 tells it to stay away.
  app.get('/chats/:sessionId/stream', async (req, res) => {
    const lastEventId = req.get('last-event-id')
    if (!(await req.memory.resume(res, { lastEventId }))) res.status(204).end()
  })

  app.post('/chats/:sessionId/stop', async (req, res) => {
    res.json({ stopped: await req.memory.stop() })
  })
  return app
}

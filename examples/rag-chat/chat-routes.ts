import { json, type Request, type RequestHandler, Router } from 'express'
import type { Answers } from './answers.ts'
import { shown } from './conversation.ts'
import type { Library } from './library.ts'
import { problem } from './problem.ts'
import { type Asked, takeTurn } from './turn.ts'

/** What the chats are made of. */
export interface ChatParts {
  readonly library: Library
  readonly answers: Answers
  /** Stands before the route that answers. */
  readonly limit: RequestHandler
}

const longestText = 2000

/** A user's chats: list, read, ask, delete. */
export function chatRoutes({ library, answers, limit }: ChatParts): Router {
  const routes = Router()

  routes.get('/chats', async (req, res) => {
    const { items } = await req.memory.sessions.list({ limit: 50 })
    res.json({ sessions: items })
  })

  routes.get('/chats/:sessionId/messages', async (req, res) => {
    const { items } = await req.memory.history({ limit: 200 })
    res.json({ messages: shown(items, library), degraded: req.memory.degraded })
  })

  routes.post(
    '/chats/:sessionId/messages',
    json({ limit: '32kb' }),
    checkMessage,
    limit,
    (req, res) => takeTurn(req, res, { asked: res.locals['asked'] as Asked, library, answers }),
  )

  routes.delete('/chats/:sessionId', async (req, res) => {
    await req.memory.delete()
    res.status(204).end()
  })

  return routes
}

// Before the limiter: what cannot be answered costs nothing.
const checkMessage: RequestHandler = (req, res, next) => {
  const read = readMessage(req)
  if (typeof read === 'string') return problem(res, 400, 'The message cannot be used', read)
  res.locals['asked'] = read
  next()
}

/** The message, or what is wrong with it. */
function readMessage(req: Request): Asked | string {
  const { text, id = crypto.randomUUID() } = (req.body ?? {}) as { text?: unknown; id?: unknown }
  if (typeof text !== 'string') return 'Send JSON with the question as `text`.'
  if (text.trim() === '') return 'The question is empty.'
  if (text.length > longestText) return `The question is longer than ${longestText} characters.`
  if (typeof id !== 'string' || !/^[\w-]{1,64}$/u.test(id))
    return 'The `id` of a message is 1 to 64 letters, digits, `-` or `_`.'
  return { id, text: text.toWellFormed().trim() }
}

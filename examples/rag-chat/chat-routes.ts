import { json, type Request, type RequestHandler, Router } from 'express'
import { memoryRoutes } from 'memoryware/express'
import { shown } from './conversation.ts'
import { problem } from './problem.ts'
import { type Asked, type TurnParts, takeTurn } from './turn.ts'

/** What the chats are made of. */
export interface ChatParts extends TurnParts {
  /** Stands before the route that answers. */
  readonly limit: RequestHandler
}

const longestText = 2000

/**
 * A user's chats. Reading and asking are the demo's own, since messages are shown with their sources;
 * list, rename, pin, delete, rewind, stop and resume come with the package.
 */
export function chatRoutes({ limit, ...parts }: ChatParts): Router {
  const routes = Router()

  routes.get('/chats/:sessionId/messages', async (req, res) => {
    const { items } = await req.memory.history({ limit: 200 })
    res.json({ messages: shown(items, parts.library), degraded: req.memory.degraded })
  })

  routes.post(
    '/chats/:sessionId/messages',
    json({ limit: '32kb' }),
    checkMessage,
    limit,
    (req, res) => takeTurn(req, res, res.locals['asked'] as Asked, parts),
  )

  routes.use('/chats', memoryRoutes())

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
  const { text, id = crypto.randomUUID(), fresh = false } = (req.body ?? {}) as Unread
  if (typeof text !== 'string') return 'Send JSON with the question as `text`.'
  if (text.trim() === '') return 'The question is empty.'
  if (text.length > longestText) return `The question is longer than ${longestText} characters.`
  if (typeof id !== 'string' || !/^[\w-]{1,64}$/u.test(id))
    return 'The `id` of a message is 1 to 64 letters, digits, `-` or `_`.'
  return { id, text: text.toWellFormed().trim(), fresh: fresh === true }
}

interface Unread {
  readonly text?: unknown
  readonly id?: unknown
  readonly fresh?: unknown
}

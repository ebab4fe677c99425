import express, { type Express, type Request } from 'express'
import { escapePattern, type Store } from 'memoryware'
import { sessionMemory } from 'memoryware/express'

/** Keeps a session under its user, where it can be found by user. */
export async function open(store: Store, user: string, id: string): Promise<void> {
  await store.set(`login:${user}:${id}`, { openedAt: Date.now() }, { ttl: '30m' })
}

/** Lets a session last an hour from now; gives the seconds that are left, or `undefined`. */
export async function extend(store: Store, user: string, id: string): Promise<number | undefined> {
  const key = `login:${user}:${id}`
  const there = await store.expire(key, '1h')
  return there ? store.ttl(key) : undefined
}

/** Whether the session is there. */
export async function isOpen(store: Store, user: string, id: string): Promise<boolean> {
  return (await store.exists(`login:${user}:${id}`)) === 1
}

/** Ends one session of a user, or all of them; gives how many there were. */
export async function close(store: Store, user: string, id?: string): Promise<number> {
  if (id !== undefined) return store.delete(`login:${user}:${id}`)
  return store.deletePattern(`login:${escapePattern(user)}:*`)
}

/** Conversations need none of that: each user has a list of them. */
export function sessionsApp(store: Store, user: (req: Request) => string | undefined): Express {
  const app = express().use(sessionMemory({ store, user }), express.json())
  app.post('/sessions/:sessionId', async (req, res) => {
    res.json(await req.memory.append({ role: 'user', content: String(req.body.text) }))
  })
  app.get('/sessions', async (req, res) => {
    res.json((await req.memory.sessions.list()).items)
  })
  app.delete('/sessions/:sessionId', async (req, res) => {
    res.status((await req.memory.delete()) ? 204 : 404).end()
  })
  return app
}

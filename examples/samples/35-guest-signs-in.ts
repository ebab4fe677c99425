import express, { type Express } from 'express'
import session from 'express-session'
import type { Store } from 'memoryware'
import { memoryRoutes, sessionMemory } from 'memoryware/express'
import { sessionStore } from 'memoryware/express-session'

declare module 'express-session' {
  interface SessionData {
    /** Set while somebody is signed in; `sessionMemory()` reads it. */
    userId?: string
  }
}

/** Gives the user's id, or `undefined` where name or password are wrong. */
export type Check = (name: string, password: string) => Promise<string | undefined>

/** What somebody said as a guest is theirs once they sign in. */
export function signInApp(store: Store, secret: string, check: Check): Express {
  const sessions = sessionStore({ store })
  const app = express().use(
    session({ store: sessions, secret, resave: false, saveUninitialized: false }),
    sessionMemory({ store }),
    express.json(),
  )

  app.post('/login', async (req, res) => {
    const userId = await check(String(req.body.name), String(req.body.password))
    if (userId === undefined) return void res.status(401).end()
    // Whoever knew the session's id before must not share it now.
    await new Promise<void>((done, failed) => {
      req.session.regenerate((error) => (error ? failed(error) : done()))
    })
    req.session.userId = userId
    res.json({ claimed: await req.memory.sessions.claim() })
  })

  app.post('/chats/:sessionId/notes', async (req, res) => {
    await req.memory.append({ role: 'user', content: String(req.body.text) })
    res.status(204).end()
  })
  app.use('/chats', memoryRoutes())
  return app
}

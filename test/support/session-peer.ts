import { setTimeout as sleep } from 'node:timers/promises'
import { RedisStore } from 'connect-redis'
import express from 'express'
import session from 'express-session'
import { Redis } from 'ioredis'
import { listen } from './apps.ts'

/** What the app keeps of a visitor. */
type Kept = Record<string, unknown> & { list?: string[]; count?: number }

// One of several processes of a test that share the sessions of express-session over connect-redis.
// The argument is the URL of Redis; routes are those of `session-app.ts`.
const [url] = process.argv.slice(2)
if (!url) throw new Error('Usage: session-peer URL')

const app = express()
const store = new RedisStore({ client: new Redis(url) })
app.use(session({ store, secret: 'of a test', resave: false, saveUninitialized: false }))
app.get('/', async (req, res) => {
  const kept = req.session as unknown as Kept
  const { write, turn, delete: gone } = req.query
  if (gone !== undefined) return void req.session.destroy((error?: unknown) => res.json(!error))
  if (turn !== undefined) {
    await sleep(500)
    kept.list = [...(kept.list ?? []), 'Something']
  }
  if (write !== undefined) {
    const said = String(write)
    await sleep(20)
    kept.list = [...(kept.list ?? []), said]
    kept.count = (kept.count ?? 0) + 1
    kept[said] = true
  }
  const { cookie: _, ...state } = kept
  res.json({ state })
})
process.send?.((await listen(app)).url)

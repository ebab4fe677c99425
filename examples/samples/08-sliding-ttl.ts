import express, { type Express } from 'express'
import type { Duration, Store } from 'memoryware'
import { sessionMemory } from 'memoryware/express'

/** Reads a value and lets it last for `ttl` from now, in one round trip. */
export async function touch<T>(store: Store, key: string, ttl: Duration): Promise<T | undefined> {
  const [value] = await store.pipeline().get<T>(key).expire(key, ttl).exec()
  return value
}

/** Conversations do so by themselves: each read and each append gives one another `ttl`. */
export function slidingApp(store: Store, ttl: Duration): Express {
  const app = express().use(sessionMemory({ store, ttl }))
  app.post('/', async (req, res) => {
    await req.memory.append({ role: 'user', content: 'Hello' })
    res.status(204).end()
  })
  app.get('/', async (req, res) => {
    res.json((await req.memory.history()).items.length)
  })
  return app
}

import express, { type Express } from 'express'
import { cached, type Lookup, type Store, type StoredMessage } from 'memoryware'
import { sessionMemory } from 'memoryware/express'
import type { Library } from './library.ts'

/** A question as it is kept: a message may have fields of your own. */
interface Query extends StoredMessage {
  readonly cache: Lookup<unknown>['status']
}

/** Searches documents, each question once, and remembers what each visitor asked. */
export function searchApp(library: Library, store: Store): Express {
  const retrieve = cached(library.search, {
    name: 'retrieval',
    ttl: '1h',
    // Other documents have other answers; spaces and capitals make no other question.
    key: (question) => [library.version, question.toLowerCase().split(/\s+/)],
    store,
  })
  const app = express().disable('x-powered-by').use(sessionMemory({ store }))

  app.get('/search', async (req, res) => {
    const { q } = req.query
    const question = typeof q === 'string' ? q.trim() : ''
    if (question === '' || question.length > 500)
      return void res.status(400).json({ error: 'Ask one question as `q`' })
    const { value: passages, status, age } = await retrieve.withStatus(question)
    const asked = { role: 'user', content: question, cache: status } as const
    await req.memory.append(asked)
    res.set('Cache-Control', 'no-store').json({ question, cache: status, age, passages })
  })

  app.get('/queries', async (req, res) => {
    const { items } = await req.memory.history({ limit: 20 })
    const queries = (items as readonly Query[]).map(({ content, cache, createdAt }) => ({
      question: content,
      cache,
      askedAt: createdAt,
    }))
    res.set('Cache-Control', 'no-store').json(queries.reverse())
  })
  return app
}

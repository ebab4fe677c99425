import assert from 'node:assert/strict'
import type { Store } from '../../lib/index.ts'
import type { App, Framework } from './apps.ts'
import type { Answer } from './load.ts'

/** An app in which users say things, and the faults of its store can be counted. */
export interface SpokenApp extends App {
  /** What was said and is not kept exactly once. */
  lost(answers: readonly Answer[]): Promise<string[]>
}

/** Serves an app for `startLoad()`: it keeps what is said, reads, and tells what was degraded. */
export async function serveSpoken(framework: Framework, store: Store): Promise<SpokenApp> {
  const app = await framework.serve(
    {
      memory: { store, maxStored: 5000 },
      limit: { store, limit: 1_000_000, window: '1m', key: 'user' },
    },
    async ({ memory, rateLimit, query, send }) => {
      if (query.has('all')) {
        const { items } = await memory.history({ limit: 1000 })
        return send(200, JSON.stringify(items.map(({ content }) => content)))
      }
      const content = query.get('say') ?? ''
      const { degraded } = await memory.append({ role: 'user', content })
      const { items } = await memory.history({ limit: 5 })
      const memoryDegraded = degraded || memory.degraded
      const limitDegraded = rateLimit?.degraded === true
      send(200, JSON.stringify({ degraded, memoryDegraded, limitDegraded, read: items.length }))
    },
  )

  async function kept(user: string): Promise<string[]> {
    const reply = await fetch(`${app.url}/?all`, { headers: { 'x-user': user } })
    assert.equal(reply.status, 200)
    return (await reply.json()) as string[]
  }

  return {
    ...app,
    async lost(answers) {
      const missing: string[] = []
      for (const user of new Set(answers.map((answer) => answer.user))) {
        const there = await kept(user)
        const said = answers.filter((answer) => answer.user === user).map((each) => each.said)
        missing.push(
          ...said.filter((text) => there.filter((each) => each === text).length !== 1),
          ...there.filter((text) => !said.includes(text)),
        )
      }
      return missing
    },
  }
}

import type { IncomingMessage } from 'node:http'
import { conditionalFields } from '../lib/cache/conditional.ts'

/** Takes the client's conditions off the request; gives a function that puts them back. */
export function takeConditions(req: IncomingMessage): () => void {
  const taken = new Map<string, string | string[]>()
  for (const name of conditionalFields) {
    const value = req.headers[name]
    if (value === undefined) continue
    taken.set(name, value)
    delete req.headers[name]
  }
  return () => {
    for (const [name, value] of taken) req.headers[name] = value
    taken.clear()
  }
}

import type { IncomingMessage } from 'node:http'
import { conditionalFields } from '../lib/cache/conditional.ts'

/**
 * Takes the client's conditions off the request, and puts others in their place; gives a function
 * that undoes it.
 */
export function replaceConditions(
  req: IncomingMessage,
  others: Readonly<Record<string, string>> = {},
): () => void {
  const taken = new Map<string, string | string[]>()
  for (const name of conditionalFields) {
    const value = req.headers[name]
    if (value === undefined) continue
    taken.set(name, value)
    delete req.headers[name]
  }
  Object.assign(req.headers, others)
  let undone = false
  return () => {
    if (undone) return
    undone = true
    for (const name of Object.keys(others)) delete req.headers[name]
    for (const [name, value] of taken) req.headers[name] = value
  }
}

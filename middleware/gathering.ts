import type { IncomingMessage } from 'node:http'
import { nextMoment } from '../lib/moment.ts'
import { stateSoFar } from './request-state.ts'

let gathering: Promise<void> | undefined

/**
 * Ends once every request that waits on a socket by now has been read, in the same turn of the event
 * loop; `undefined` for a request that one of our middlewares has held up so before. All that were
 * read go on together, and so do their answers: code that runs for one after the other is several
 * times as fast as between system calls, and those who are answered together ask together again.
 *
 * Each goes on by a `then()` of its own, and so in its own asynchronous context.
 */
export function gathered(req: IncomingMessage): Promise<void> | undefined {
  if (stateSoFar(req) !== undefined) return undefined
  gathering ??= new Promise((resolve) => {
    nextMoment(() => {
      gathering = undefined
      resolve()
    })
  })
  return gathering
}

import { StoreError } from '../../errors.ts'
import { type Client, isCluster } from './open-client.ts'

/** The database of a client handed in. */
export interface Selection {
  /** The client is on it. */
  readonly done: boolean
  /** Waits until it is. */
  once(): Promise<void>
}

/**
 * Makes sure that a client handed in is on its database: where that one is not there, it said so
 * before anybody listened, and went on with database 0.
 */
export function selection(client: Client): Selection | undefined {
  const db = isCluster(client) ? undefined : client.options.db
  if (isCluster(client) || !db) return undefined
  let asked: Promise<unknown> | undefined
  let done = false
  return {
    get done() {
      return done
    },
    async once() {
      asked ??= client.select(db)
      try {
        await asked
        done = true
      } catch (cause) {
        // A connection that was lost meanwhile is no answer: the next call asks again.
        asked = undefined
        throw new StoreError('select', 'unavailable', { cause, outcome: 'not-sent' })
      }
    },
  }
}

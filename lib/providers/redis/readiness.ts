import type { Wait } from '../../deadline.ts'
import { StoreError } from '../../errors.ts'
import type { Client } from './open-client.ts'

const longestWaitMs = 1000

/** Waits for a client. */
export interface Readiness {
  (operation: string, wait: Wait): Promise<void>
  /** Lets go of the client, and of who waits. */
  stop(): void
}

/**
 * Waits until the client is ready. Fails without sending anything when nobody waits any more, or
 * after a second where nobody says so.
 */
export function readiness(client: Client): Readiness {
  const waiting = new Set<() => void>()
  const wake = () => {
    for (const go of waiting) go()
  }
  client.on('ready', wake)
  async function ready(operation: string, wait: Wait): Promise<void> {
    if (client.status !== 'ready' && client.status !== 'end') {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(go, longestWaitMs).unref()
        function go(): void {
          waiting.delete(go)
          clearTimeout(timer)
          resolve()
        }
        waiting.add(go)
      })
    }
    if (client.status !== 'ready' || wait.over) throw notReady(operation)
  }
  return Object.assign(ready, {
    stop() {
      client.off('ready', wake)
      wake()
    },
  })
}

/** Nothing was sent, for there is no connection. */
export function notReady(operation: string, cause?: Error): StoreError {
  return new StoreError(operation, 'unavailable', { cause, outcome: 'not-sent' })
}

import type { Deadline, Wait } from '../deadline.ts'
import { isAway, StoreError } from '../errors.ts'
import type { Alarms } from './alarms.ts'
import { Breaker, type BreakerEvents } from './breaker.ts'

/** Lets calls through while what stands behind it answers. */
export interface Gate {
  /** Calls fail at once. */
  readonly open: boolean
  /** Sends, within the deadline. */
  pass<T>(operation: string, deadline: Deadline, send: (wait: Wait) => Promise<T>): Promise<T>
  /** Sends what takes as long as it takes: it is no probe, and says nothing of the others. */
  scan<T>(operation: string, send: () => Promise<T>): Promise<T>
  /** Lets the next call through at once. */
  probe(): void
}

/** A breaker with a deadline around each call. */
export function createGate(alarms: Alarms, events: BreakerEvents): Gate {
  const breaker = new Breaker(events)

  /** Ends with the reply, or with the deadline: one promise, settled by whichever is first. */
  function within<T>(
    operation: string,
    deadline: Deadline,
    leftMs: number,
    send: (wait: Wait) => Promise<T>,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const wait: Wait = { over: false, sent: undefined }
      const startedAt = performance.now()
      const alarm = alarms.after(leftMs, () => {
        const outcome = wait.sent === false ? 'not-sent' : 'unknown'
        failed(new StoreError(operation, 'timeout', { outcome }))
      })
      function replied(reply: T): void {
        if (wait.over) return
        wait.over = true
        alarm.cancel()
        breaker.succeeded()
        resolve(reply)
      }
      function failed(error: unknown): void {
        if (wait.over) return
        wait.over = true
        alarm.cancel()
        if (isAway(error)) {
          deadline.failed(startedAt)
          breaker.failed(error)
        } else breaker.answered()
        reject(told(operation, error))
      }
      sent(send, wait).then(replied, failed)
    })
  }

  return {
    get open() {
      return breaker.open
    },
    pass(operation, deadline, send) {
      const leftMs = deadline.remaining()
      if (leftMs < 1)
        return Promise.reject(new StoreError(operation, 'timeout', { outcome: 'not-sent' }))
      if (!breaker.admits()) return Promise.reject(refused(operation))
      return within(operation, deadline, leftMs, send)
    },
    async scan(operation, send) {
      if (breaker.open) throw refused(operation)
      try {
        return await send()
      } catch (error) {
        throw told(operation, error)
      }
    },
    probe: () => breaker.reset(),
  }
}

/** A provider of the user's own may throw at once, or answer with what is no promise. */
function sent<T>(send: (wait: Wait) => Promise<T>, wait: Wait): Promise<T> {
  try {
    return Promise.resolve(send(wait))
  } catch (error) {
    return Promise.reject(error)
  }
}

function refused(operation: string): StoreError {
  return new StoreError(operation, 'unavailable', { outcome: 'not-sent' })
}

/** Callers know one error: what a provider of the user's own throws is the cause of a `StoreError`. */
export function told(operation: string, error: unknown): StoreError {
  return error instanceof StoreError
    ? error
    : new StoreError(operation, 'refused', { cause: error })
}

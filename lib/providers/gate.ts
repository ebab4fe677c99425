import {
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhen,
} from 'cockatiel'
import type { Deadline, Wait } from '../deadline.ts'
import { isAway, StoreError } from '../errors.ts'

const failuresToOpen = 5
const halfOpenAfterMs = 1000

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

/** Who is told that calls begin to fail, and that they succeed again. */
export interface GateEvents {
  onLost(error: unknown): void
  onBack(): void
}

/** A breaker with a deadline around each call. */
export function createGate(events: GateEvents): Gate {
  const policy = circuitBreaker(handleWhen(isAway), {
    halfOpenAfter: halfOpenAfterMs,
    breaker: new ConsecutiveBreaker(failuresToOpen),
  })
  announce(policy, events)
  return {
    get open() {
      return policy.state !== CircuitState.Closed
    },
    async pass(operation, deadline, send) {
      const leftMs = deadline.remaining()
      if (leftMs < 1) throw new StoreError(operation, 'timeout', { outcome: 'not-sent' })
      // While the probe is out the others fail at once: cockatiel would have them wait for it.
      if (policy.state === CircuitState.HalfOpen) throw refused(operation)
      try {
        return await policy.execute(() => within(operation, deadline, leftMs, send))
      } catch (error) {
        if (error instanceof Error && 'isBrokenCircuitError' in error)
          throw refused(operation, error)
        throw told(operation, error)
      }
    },
    async scan(operation, send) {
      if (policy.state !== CircuitState.Closed) throw refused(operation)
      try {
        return await send()
      } catch (error) {
        throw told(operation, error)
      }
    },
    probe() {
      // The count of failures stays: should the first call fail, the breaker opens again.
      if (policy.state === CircuitState.Open) policy.isolate().dispose()
    },
  }
}

function announce(policy: CircuitBreakerPolicy, { onLost, onBack }: GateEvents): void {
  let lost = false
  policy.onBreak((cause) => {
    if (lost || !('error' in cause)) return
    lost = true
    onLost(cause.error)
  })
  policy.onSuccess(() => {
    if (!lost) return
    lost = false
    onBack()
  })
}

function refused(operation: string, cause?: Error): StoreError {
  return new StoreError(operation, 'unavailable', { cause, outcome: 'not-sent' })
}

/** Callers know one error: what a provider of the user's own throws is the cause of a `StoreError`. */
export function told(operation: string, error: unknown): StoreError {
  return error instanceof StoreError
    ? error
    : new StoreError(operation, 'refused', { cause: error })
}

/** Ends with the reply, or with the deadline. */
async function within<T>(
  operation: string,
  deadline: Deadline,
  leftMs: number,
  send: (wait: Wait) => Promise<T>,
): Promise<T> {
  const wait: Wait = { over: false, sent: undefined }
  const startedAt = performance.now()
  const expiry = alarm(leftMs)
  try {
    return await Promise.race([
      send(wait),
      expiry.ring.then(() => {
        const outcome = wait.sent === false ? 'not-sent' : 'unknown'
        throw new StoreError(operation, 'timeout', { outcome })
      }),
    ])
  } catch (error) {
    if (isAway(error)) deadline.failed(startedAt)
    throw error
  } finally {
    wait.over = true
    expiry.cancel()
  }
}

const stepMs = 25
const longestMs = 900

/**
 * Rings after so many milliseconds in which this process could have read a reply.
 *
 * Time in which the process was busy says nothing of the store, so it is counted in steps: a timer
 * that fires late counts for little more than its step. However busy, a request never takes a second.
 */
function alarm(afterMs: number): { readonly ring: Promise<void>; cancel(): void } {
  const startedAt = performance.now()
  let timer: NodeJS.Timeout
  const ring = new Promise<void>((resolve) => {
    function step(leftMs: number): void {
      const steppedAt = performance.now()
      timer = setTimeout(
        () => {
          const now = performance.now()
          const left = leftMs - Math.min(now - steppedAt, stepMs * 1.2)
          if (left < 1 || now - startedAt > longestMs) resolve()
          else step(left)
        },
        Math.min(stepMs, leftMs),
      )
    }
    step(afterMs)
  })
  return { ring, cancel: () => clearTimeout(timer) }
}

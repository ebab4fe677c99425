import {
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhen,
} from 'cockatiel'
import { type Call, Deadline, type Wait } from '../deadline.ts'
import { isAway, StoreError } from '../errors.ts'
import type { Command } from '../ports/key-value.ts'
import type { Provider } from '../ports/provider.ts'
import { publish } from '../telemetry.ts'

const failuresToOpen = 5
const halfOpenAfterMs = 1000

/** A provider that answers or fails in time. */
export interface Guarded extends Provider {
  /** The breaker is open: calls fail at once until the provider is back. */
  readonly degraded: boolean
  /** A fresh budget of waiting, for one request. */
  deadline(): Deadline
}

/**
 * Puts a deadline and a breaker around a provider.
 *
 * Each call ends within what is left of its deadline; a reply that comes later is dropped. After
 * five failures in a row calls fail at once; a second later, or when the provider says that it is
 * ready, one of them goes through as a probe. Scans (`keys`, `deletePattern`) and `close` take as
 * long as they take. Whatever a provider throws, callers get a `StoreError`.
 */
export function guarded(provider: Provider, { deadlineMs }: { deadlineMs: number }): Guarded {
  const gate = breaker()
  provider.onReady?.(gate.probe)

  function bound<Args extends unknown[], T>(
    operation: string,
    send: (...args: [...Args, Call]) => Promise<T>,
  ): (...args: [...Args, call?: Call]) => Promise<T> {
    return (...given) => {
      const args = given.slice(0, send.length - 1) as Args
      const call = given[send.length - 1] as Call | undefined
      const deadline = call?.deadline ?? new Deadline(deadlineMs)
      return gate.pass(operation, deadline, (wait) => send(...args, { deadline, wait }))
    }
  }

  const { history, budgets, entries } = provider
  return {
    name: provider.name,
    get degraded() {
      return gate.open
    },
    deadline: () => new Deadline(deadlineMs),
    get: bound('get', (key: string, call: Call) => provider.get(key, call)),
    set: bound('set', (key: string, value: Uint8Array, ttlMs: number | undefined, call: Call) =>
      provider.set(key, value, ttlMs, call),
    ),
    delete: bound('delete', (keys: readonly string[], call: Call) => provider.delete(keys, call)),
    exists: bound('exists', (keys: readonly string[], call: Call) => provider.exists(keys, call)),
    mget: bound('mget', async (keys: readonly string[], call: Call) =>
      oneEach('mget', keys, await provider.mget(keys, call)),
    ),
    expire: bound('expire', (key: string, ttlMs: number, call: Call) =>
      provider.expire(key, ttlMs, call),
    ),
    ttl: bound('ttl', (key: string, call: Call) => provider.ttl(key, call)),
    incr: bound('incr', (key: string, by: number, call: Call) => provider.incr(key, by, call)),
    batch: bound('pipeline', async (commands: readonly Command[], call: Call) => {
      const replies = oneEach('pipeline', commands, await provider.batch(commands, call))
      return replies.map((each) => (each instanceof Error ? told('pipeline', each) : each))
    }),
    keys: (pattern) => gate.scan('keys', () => provider.keys(pattern)),
    deletePattern: (pattern) => gate.scan('deletePattern', () => provider.deletePattern(pattern)),
    history: {
      append: bound('append', (keys, entries, bounds, call) =>
        history.append(keys, entries, bounds, call),
      ),
      read: bound('read', (keys, range, call) => history.read(keys, range, call)),
      list: bound('list', (index, page, call) => history.list(index, page, call)),
      remove: bound('remove', (keys, call) => history.remove(keys, call)),
    },
    budgets: {
      charge: bound('charge', (charges, call) => budgets.charge(charges, call)),
      count: bound('count', (key, by, bounds, call) => budgets.count(key, by, bounds, call)),
      clear: bound('clear', (keys, call) => budgets.clear(keys, call)),
    },
    entries: {
      find: bound('find', (key, variant, call) => entries.find(key, variant, call)),
      keep: bound('keep', (key, variant, call) => entries.keep(key, variant, call)),
      drop: bound('drop', (key, call) => entries.drop(key, call)),
    },
    async close() {
      try {
        await provider.close()
      } catch (error) {
        throw told('close', error)
      }
    },
  }
}

interface Gate {
  readonly open: boolean
  /** Sends, within the deadline. */
  pass<T>(operation: string, deadline: Deadline, send: (wait: Wait) => Promise<T>): Promise<T>
  /** Sends what takes as long as it takes: it is no probe, and says nothing of the others. */
  scan<T>(operation: string, send: () => Promise<T>): Promise<T>
  /** Lets the next call through at once. */
  probe(): void
}

function breaker(): Gate {
  const policy = circuitBreaker(handleWhen(isAway), {
    halfOpenAfter: halfOpenAfterMs,
    breaker: new ConsecutiveBreaker(failuresToOpen),
  })
  announce(policy)
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

function announce(policy: CircuitBreakerPolicy): void {
  let lost = false
  policy.onBreak((cause) => {
    if (lost || !('error' in cause)) return
    lost = true
    publish('store', () => ({ state: 'degraded', error: cause.error }))
  })
  policy.onSuccess(() => {
    if (!lost) return
    lost = false
    publish('store', () => ({ state: 'healthy' }))
  })
}

function refused(operation: string, cause?: Error): StoreError {
  return new StoreError(operation, 'unavailable', { cause, outcome: 'not-sent' })
}

/** Callers know one error: what a provider of the user's own throws is the cause of a `StoreError`. */
function told(operation: string, error: unknown): StoreError {
  return error instanceof StoreError
    ? error
    : new StoreError(operation, 'refused', { cause: error })
}

/** A reply that cannot be matched with what was asked would be taken for another's. */
function oneEach<List extends readonly unknown[]>(
  operation: string,
  asked: readonly unknown[],
  replies: List,
): List {
  if (Array.isArray(replies) && replies.length === asked.length) return replies
  throw new StoreError(operation, 'corrupt')
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

import { StoreError, type StoreFailure } from '../../errors.ts'

const away =
  /^(LOADING|BUSY|MISCONF|NOAUTH|NOPERM|WRONGPASS|READONLY|CLUSTERDOWN|MASTERDOWN|TRYAGAIN|UNBLOCKED|NOREPLICAS|ERR The user executing the script|ERR max number of clients)/

/** Of the last: a script that reckons with what it has read. */
const strange = /^(WRONGTYPE|SEAL|ERR user_script:\d+: (attempt to|bad argument))/

const neverSent = /Stream isn't writeable|Connection is closed/

/** Says what a driver's error means for the caller, and takes the arguments off it: they may be secret. */
export function storeError(operation: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error
  // A mistake in the call, or in this package: the store is not to blame.
  if (error instanceof TypeError || error instanceof RangeError)
    return new StoreError(operation, 'refused', { cause: error, outcome: 'not-sent' })
  const cause = withoutArguments(error)
  const message = error instanceof Error ? error.message : String(error)
  const outcome = neverSent.test(message) ? 'not-sent' : 'unknown'
  return new StoreError(operation, reason(error, message), { cause, outcome })
}

function reason(error: unknown, message: string): StoreFailure {
  if (/timed out/.test(message)) return 'timeout'
  if (!(error instanceof Error) || error.name !== 'ReplyError') return 'unavailable'
  if (away.test(message)) return 'unavailable'
  if (message.startsWith('OOM')) return 'full'
  if (strange.test(message)) return 'corrupt'
  return 'refused'
}

/** Takes the arguments off a driver's error: they may be secret. */
export function withoutArguments(error: unknown): unknown {
  if (error instanceof Error && 'command' in error) {
    const { name } = (error.command ?? {}) as { name?: unknown }
    error.command = { name }
  }
  return error
}

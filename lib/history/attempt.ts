import { isAway } from '../errors.ts'
import { publish } from '../telemetry.ts'

/** A store's call, or what stands in for it while the store is away. */
export interface Attempt<T> {
  readonly result: T
  readonly degraded: boolean
}

/** What stands in for a call that has failed. @throws the error, where that is not one of being away. */
export function goneOn<T>(error: unknown, standIn: (() => T) | undefined): Attempt<T> {
  if (standIn === undefined || !isAway(error)) throw error
  publish('error', () => ({ during: 'memory', error }))
  return { result: standIn(), degraded: true }
}

import { UsageError } from '../lib/errors.ts'

/**
 * What a function of the application gave that must answer at once.
 *
 * @throws UsageError for a promise: nobody waits for it, and its failure ends no process.
 */
export function atOnce<T>(option: string, given: T): T {
  const { then } = Object(given)
  if (typeof then !== 'function') return given
  Promise.resolve(given).catch(() => undefined)
  throw new UsageError(`\`${option}\` must answer at once, not by a promise`)
}

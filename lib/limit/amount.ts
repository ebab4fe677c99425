import { UsageError } from '../errors.ts'

/** The largest integer of RFC 9651. */
export const largest = 999_999_999_999_999

/** Whether a limit can be worked with: whole and not below 0, or Infinity. */
export function isLimit(value: unknown): value is number {
  return value === Number.POSITIVE_INFINITY || isCost(value)
}

/** Whether a cost can be charged: whole and not below 0. A negative one would be credit. */
export function isCost(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= largest
}

/**
 * Refuses what is no amounts by name, and names of rules that there are not: a misspelt one would
 * never be settled.
 *
 * @throws UsageError
 */
export function checkRuleNames(used: unknown, names: ReadonlySet<string>): void {
  if (typeof used !== 'object' || used === null)
    throw new UsageError(`Amounts are told by the names of limits, got ${String(used)}`)
  for (const name of Object.keys(used)) {
    if (!names.has(name))
      throw new UsageError(`There is no limit ${name} here, only ${[...names].join(', ')}`)
  }
}

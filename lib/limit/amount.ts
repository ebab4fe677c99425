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

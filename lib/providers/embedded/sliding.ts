import type { Charge } from '../../ports/budgets.ts'

/** What was charged, and when it stops to count. */
export interface Mark {
  readonly until: number
  readonly cost: number
}

const exactUpTo = 24
const parts = 12

/**
 * Adds a charge to the marks of a sliding window, which stay in the order in which they end.
 *
 * Up to a limit of 24 each charge counts for one window from its own millisecond. Above, charges of
 * the same twelfth of a window are one mark, which counts whole until twelve later twelfths are
 * over: never too short, so no window sees more than the limit, however the windows lie. As a mark
 * knows its end, a limit may pass 24 while its key is in use.
 */
export function marked(
  marks: readonly Mark[],
  { limit, windowMs, cost }: Charge,
  now: number,
): readonly Mark[] {
  const until = limit <= exactUpTo ? now + windowMs : endOfPart(now, windowMs)
  const same = marks.findIndex((mark) => mark.until === until)
  if (same >= 0) return marks.with(same, { until, cost: (marks[same]?.cost ?? 0) + cost })
  return [...marks, { until, cost }].sort((one, other) => one.until - other.until)
}

function endOfPart(now: number, windowMs: number): number {
  const part = Math.ceil(windowMs / parts)
  return (Math.floor(now / part) + parts + 1) * part
}

/** The marks that still count. */
export function live(marks: readonly Mark[], now: number): readonly Mark[] {
  return marks.filter(({ until }) => until > now)
}

/** How much the marks count together. */
export function sum(marks: readonly Mark[]): number {
  return marks.reduce((total, { cost }) => total + cost, 0)
}

/** When at least `amount` no longer counts; the marks must hold that much. */
export function returned(marks: readonly Mark[], amount: number): number {
  let missing = amount
  for (const { until, cost } of marks) {
    missing -= cost
    if (missing <= 0) return until
  }
  return Number.POSITIVE_INFINITY
}

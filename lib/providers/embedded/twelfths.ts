import type { BudgetRule, Settlement } from '../../ports/budgets.ts'
import type { Settled, SlidingCell, Tally } from './tally.ts'

const parts = 12

/**
 * A sliding window of which the charges of one twelfth count together, whole until twelve later
 * twelfths are over: never too short, so no window sees more than the limit, however it lies.
 *
 * `stored` holds the number of a twelfth and what it counts, in turn and in order.
 */
export function twelfthsTally(stored: readonly number[], rule: BudgetRule, at: number): Tally {
  const { limit, windowMs } = rule
  const spanMs = spanOf(windowMs)
  const current = Math.floor(at / spanMs)
  const numbers = live(stored, { first: current - parts, current })
  const used = sum(numbers)
  const endOf = (twelfth: number) => (twelfth + parts + 1) * spanMs

  function backMs(amount: number): number {
    let missing = amount
    for (let index = 0; index < numbers.length; index += 2) {
      missing -= numbers[index + 1] ?? 0
      if (missing <= 0) return endOf(numbers[index] ?? 0) - at
    }
    return Number.POSITIVE_INFINITY
  }

  function settled({ mark, charged, cost }: Settlement): Settled | undefined {
    const twelfth = Math.floor(mark / spanMs)
    if (twelfth < current - parts) return undefined
    return { tally: twelfthsTally(added(numbers, twelfth, cost - charged), rule, at), mark }
  }

  const tally: Tally = {
    used,
    remaining: Math.max(0, limit - used),
    resetMs: used > 0 ? backMs(Math.max(1, used + 1 - limit)) : 0,
    mark: at,
    isAhead: (stored.at(-2) ?? current) > current,
    waitMs(cost) {
      const missing = used + cost - limit
      if (missing <= 0) return 0
      return cost > limit ? Number.POSITIVE_INFINITY : backMs(missing)
    },
    charged: (cost) => twelfthsTally(added(numbers, current, cost), rule, at),
    settled,
    kept() {
      if (used === 0) return undefined
      return { cell: slidingCell(false, numbers), endsAt: endOf(numbers.at(-2) ?? current) }
    },
  }
  return tally
}

/** Times of units as twelfths; each counts as long as before, or longer. */
export function twelfthsOf(times: readonly number[], windowMs: number): readonly number[] {
  const spanMs = spanOf(windowMs)
  return times.reduce<readonly number[]>(
    (numbers, time) => added(numbers, Math.floor(time / spanMs), 1),
    [],
  )
}

// What the array takes besides its numbers; the shelf counts the cell. Measured on Node 20.
const cellBytes = 24
const numberBytes = 8

/** What a sliding window is kept as. */
export function slidingCell(exact: boolean, numbers: readonly number[]): SlidingCell {
  // A copy has no room to grow: it takes just what it holds.
  const bytes = cellBytes + numbers.length * numberBytes
  return { kind: 'sliding', bytes, exact, numbers: numbers.slice() }
}

function spanOf(windowMs: number): number {
  return Math.ceil(windowMs / parts)
}

/** The twelfths from `first` on; those that lie ahead, as a clock set back leaves them, are now. */
function live(
  numbers: readonly number[],
  { first, current }: { first: number; current: number },
): readonly number[] {
  let dead = 0
  while (dead < numbers.length && (numbers[dead] ?? 0) < first) dead += 2
  let ended = numbers.length
  while (ended > dead && (numbers[ended - 2] ?? 0) > current) ended -= 2
  if (dead === 0 && ended === numbers.length) return numbers
  return added(numbers.slice(dead, ended), current, sum(numbers.slice(ended)))
}

function sum(numbers: readonly number[]): number {
  let total = 0
  for (let index = 1; index < numbers.length; index += 2) total += numbers[index] ?? 0
  return total
}

/** With so much more, or less, in one twelfth; it never holds less than nothing. */
function added(numbers: readonly number[], twelfth: number, amount: number): readonly number[] {
  let place = numbers.length
  while (place > 0 && (numbers[place - 2] ?? 0) >= twelfth) place -= 2
  const known = numbers[place] === twelfth
  const count = Math.max(0, (known ? (numbers[place + 1] ?? 0) : 0) + amount)
  return [
    ...numbers.slice(0, place),
    ...(count > 0 ? [twelfth, count] : []),
    ...numbers.slice(known ? place + 2 : place),
  ]
}

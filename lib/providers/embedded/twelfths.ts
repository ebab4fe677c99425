import type { BudgetRule, Settlement } from '../../ports/budgets.ts'
import type { Kept, Settled, SlidingCell, Tally } from './tally.ts'

const parts = 12

/**
 * A sliding window of which the charges of one twelfth count together, whole until twelve later
 * twelfths are over: never too short, so no window sees more than the limit, however it lies.
 *
 * `stored` holds the number of a twelfth and what it counts, in turn and in order.
 */
export function twelfthsTally(stored: readonly number[], rule: BudgetRule, at: number): Tally {
  return new Twelfths(stored, rule, at)
}

/** A class, for one is made at each charge: closures of its own would cost more than what they do. */
class Twelfths implements Tally {
  readonly used: number
  readonly remaining: number
  readonly resetMs: number
  readonly mark: number
  readonly isAhead: boolean
  readonly #rule: BudgetRule
  readonly #spanMs: number
  readonly #current: number
  readonly #numbers: readonly number[]

  constructor(stored: readonly number[], rule: BudgetRule, at: number) {
    this.#rule = rule
    this.#spanMs = spanOf(rule.windowMs)
    this.#current = Math.floor(at / this.#spanMs)
    this.#numbers = live(stored, { first: this.#current - parts, current: this.#current })
    this.mark = at
    this.used = sum(this.#numbers)
    this.remaining = Math.max(0, rule.limit - this.used)
    this.resetMs = this.used > 0 ? this.#backMs(Math.max(1, this.used + 1 - rule.limit)) : 0
    this.isAhead = (stored.at(-2) ?? this.#current) > this.#current
  }

  waitMs(cost: number): number {
    const { limit } = this.#rule
    const missing = this.used + cost - limit
    if (missing <= 0) return 0
    return cost > limit ? Number.POSITIVE_INFINITY : this.#backMs(missing)
  }

  charged(cost: number): Tally {
    return this.#with(this.#current, cost)
  }

  settled({ mark, charged, cost }: Settlement): Settled | undefined {
    const twelfth = Math.floor(mark / this.#spanMs)
    if (twelfth < this.#current - parts) return undefined
    return { tally: this.#with(twelfth, cost - charged), mark }
  }

  kept(): Kept | undefined {
    if (this.used === 0) return undefined
    const endsAt = this.#endOf(this.#numbers.at(-2) ?? this.#current)
    return { cell: slidingCell(false, this.#numbers), endsAt }
  }

  #with(twelfth: number, amount: number): Tally {
    return new Twelfths(added(this.#numbers, twelfth, amount), this.#rule, this.mark)
  }

  #endOf(twelfth: number): number {
    return (twelfth + parts + 1) * this.#spanMs
  }

  /** Until so much has come back. */
  #backMs(amount: number): number {
    let missing = amount
    for (let index = 0; index < this.#numbers.length; index += 2) {
      missing -= this.#numbers[index + 1] ?? 0
      if (missing <= 0) return this.#endOf(this.#numbers[index] ?? 0) - this.mark
    }
    return Number.POSITIVE_INFINITY
  }
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
  const changed = numbers.slice()
  if (known && count > 0) changed[place + 1] = count
  else changed.splice(place, known ? 2 : 0, ...(count > 0 ? [twelfth, count] : []))
  return changed
}

import { StoreError } from '../errors.ts'

/** What a limiter of rate-limiter-flexible says of a key. */
export interface LimiterAnswer {
  readonly consumed: number
  readonly remaining: number
  /** Until its window, or its block, ends; `Infinity` for never. */
  readonly endsInMs: number
}

// A black list says 285,000 years.
const neverMs = 100 * 365.25 * 86_400_000

/**
 * Reads an answer. Of several limiters, by the prefixes of their keys, the one counts that has least
 * left, and among these the one that takes longest.
 *
 * @throws StoreError where it is an error, or nothing that a limiter says.
 */
export function limiterAnswer(operation: string, said: unknown): LimiterAnswer {
  if (said instanceof Error) throw new StoreError(operation, 'unavailable', { cause: said })
  if (typeof said !== 'object' || said === null) throw new StoreError(operation, 'corrupt')
  if (isResult(said)) return answerOf(said)
  const [first, ...others] = Object.values(said).map((each) => {
    if (each instanceof Error) throw new StoreError(operation, 'unavailable', { cause: each })
    if (!isResult(each)) throw new StoreError(operation, 'corrupt')
    return answerOf(each)
  })
  if (first === undefined) throw new StoreError(operation, 'corrupt')
  return others.reduce(tighter, first)
}

interface Result {
  readonly consumedPoints: number
  readonly remainingPoints: number
  readonly msBeforeNext: number
}

function isResult(said: unknown): said is Result {
  const { consumedPoints, remainingPoints, msBeforeNext } = (said ?? {}) as Partial<Result>
  return [consumedPoints, remainingPoints, msBeforeNext].every(Number.isFinite)
}

function answerOf({ consumedPoints, remainingPoints, msBeforeNext }: Result): LimiterAnswer {
  // Below 0 is a key that does not expire.
  const never = msBeforeNext < 0 || msBeforeNext > neverMs
  return {
    consumed: consumedPoints,
    remaining: Math.max(0, remainingPoints),
    endsInMs: never ? Number.POSITIVE_INFINITY : Math.ceil(msBeforeNext),
  }
}

function tighter(one: LimiterAnswer, other: LimiterAnswer): LimiterAnswer {
  if (one.remaining !== other.remaining) return one.remaining < other.remaining ? one : other
  return one.endsInMs >= other.endsInMs ? one : other
}

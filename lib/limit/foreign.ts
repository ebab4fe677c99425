import { StoreError, UsageError } from '../errors.ts'
import { budgetName } from '../keys.ts'
import type { Budget, BudgetRule, Budgets, Charge, Settlement } from '../ports/budgets.ts'
import { publish } from '../telemetry.ts'
import { type LimiterAnswer, limiterAnswer } from './limiter-answer.ts'
import { type LimiterTraits, type RateLimiterLike, settles, traitsOf } from './rate-limiter-like.ts'

/**
 * One budget a key, counted by a limiter of rate-limiter-flexible.
 *
 * The library charges what it refuses: that is given back, but where the limiter cannot, and where
 * refusals are to block the key. What is given back or charged later counts only in the window of
 * the charge: in the next one the library would take it for credit. A budget and its blocks are one
 * key of the library's: `limit:{user~ann}:rpm`, behind its own prefix.
 */
export function foreignBudgets(limiter: RateLimiterLike): Budgets {
  const counter = { limiter, traits: traitsOf(limiter) }
  return {
    async charge(charges) {
      const [charge, ...others] = charges
      if (charge === undefined) return []
      if (others.length > 0) throw new UsageError('A limiter as store charges one budget at a time')
      return [await charged(counter, named(charge))]
    },
    peek: (charges) => Promise.all(charges.map((charge) => looked(counter, named(charge)))),
    settle: (settlements) => Promise.all(settlements.map((each) => settled(counter, named(each)))),
    async renew() {
      throw new UsageError('A limiter as store holds no slots')
    },
    async block(keys, forMs) {
      const seconds = Math.ceil(forMs / 1000)
      if (limiter.block === undefined) throw new UsageError('The limiter as store has no block()')
      await Promise.all(
        namesOf(keys).map((key) => asked('block', () => limiter.block?.(key, seconds))),
      )
    },
    async clear(keys) {
      if (limiter.delete === undefined) throw new UsageError('The limiter as store has no delete()')
      await Promise.all(namesOf(keys).map((key) => asked('clear', () => limiter.delete?.(key))))
    },
  }
}

function named<Rule extends BudgetRule>(rule: Rule): Rule {
  return { ...rule, key: budgetName(rule.key) }
}

function namesOf(keys: readonly string[]): readonly string[] {
  return [...new Set(keys.map(budgetName))]
}

interface Counter {
  readonly limiter: RateLimiterLike
  readonly traits: LimiterTraits
}

async function charged(counter: Counter, charge: Charge): Promise<Budget> {
  const { key, cost, limit } = charge
  checkCounted(charge)
  const sentAt = now()
  const { allowed, answer } = await consumed(counter.limiter, key, cost)
  if (!allowed) return refused(counter, charge, { answer, sentAt })
  // What a list lets pass is not counted.
  const mark = answer.consumed < cost ? 0 : endOf(answer, sentAt)
  return { ...standing(answer, limit), allowed, retryMs: 0, blockedMs: 0, mark }
}

async function refused(
  counter: Counter,
  { key, cost, limit }: Charge,
  { answer, sentAt }: { answer: LimiterAnswer; sentAt: number },
): Promise<Budget> {
  const { blocksFrom } = counter.traits
  // A list refuses without counting, and so does what this process remembers of an earlier refusal.
  const counted = answer.consumed >= cost
  const returns = counted && cost > 0 && blocksFrom === undefined && settles(counter.limiter)
  const after = returns
    ? await returned(counter, { key, by: -cost, mark: endOf(answer, sentAt) })
    : undefined
  const known = after ?? (counted ? answer : { ...answer, consumed: limit })
  const ofPunishment = blocksFrom !== undefined && (!counted || answer.consumed >= blocksFrom)
  const blocked = ofPunishment || answer.endsInMs === Number.POSITIVE_INFINITY
  return {
    ...standing(known, limit),
    allowed: false,
    retryMs: cost > limit ? Number.POSITIVE_INFINITY : Math.max(1, answer.endsInMs),
    blockedMs: blocked ? answer.endsInMs : 0,
    mark: 0,
  }
}

/** The refusal stands, whatever comes of giving back. */
async function returned(counter: Counter, change: Change): Promise<LimiterAnswer | undefined> {
  try {
    return await changed(counter, change)
  } catch (error) {
    publish('error', () => ({ during: 'limit', error }))
    return undefined
  }
}

async function looked(
  { limiter }: Counter,
  { key, limit, cost = 0 }: BudgetRule & { readonly cost?: number },
): Promise<Budget> {
  const answer = await found(limiter, key)
  if (answer === undefined) return unused(limit, cost)
  const budget = standing(answer, limit)
  // Nothing left of what nobody used: a list refuses it. More used than there is: debt, or a block.
  const shut = budget.remaining === 0 && answer.consumed !== limit
  const allowed = cost <= budget.remaining && !shut
  const waitMs = cost > limit ? Number.POSITIVE_INFINITY : Math.max(1, answer.endsInMs)
  return { ...budget, allowed, retryMs: allowed ? 0 : waitMs, blockedMs: 0, mark: 0 }
}

async function settled(counter: Counter, settlement: Settlement): Promise<Budget> {
  const { key, limit, mark, charged, cost } = settlement
  if (!settles(counter.limiter))
    throw new UsageError('The limiter as store has no reward() and penalty(): nothing is settled')
  const by = cost - charged
  const after = by === 0 || mark === 0 ? undefined : await changed(counter, { key, by, mark })
  const budget =
    after === undefined
      ? await looked(counter, { ...settlement, cost: 0 })
      : { ...standing(after, limit), blockedMs: 0 }
  const allowed = budget.remaining > 0
  const retryMs = allowed ? 0 : budget.resetMs
  return { ...budget, allowed, retryMs, mark: after || by === 0 ? mark : 0 }
}

interface Change {
  readonly key: string
  readonly by: number
  /** When the window ends in which it was charged. */
  readonly mark: number
}

// So near its end a window may be another's when the store hears of it.
const lateMs = 50
// How far the ends of one window may seem apart: as long as an answer may take.
const apartMs = 250

/** Charges more or gives back, in the window of the mark only; `undefined` where it is over. */
async function changed(
  { limiter, traits }: Counter,
  { key, by, mark }: Change,
): Promise<LimiterAnswer | undefined> {
  const sentAt = now()
  if (sentAt + lateMs > mark) return undefined
  const answer = await moved(limiter, key, by)
  if (Math.abs(endOf(answer, sentAt) - mark) > apartMs) {
    // It was forgotten or blocked meanwhile, or came late: this is another window.
    await moved(limiter, key, -by)
    return undefined
  }
  if (by < 0 && answer.remaining > 0) traits.forgetExhausted()
  return answer.consumed < 0 ? moved(limiter, key, -answer.consumed) : answer
}

async function moved(limiter: RateLimiterLike, key: string, by: number): Promise<LimiterAnswer> {
  const said = await asked('settle', () =>
    by < 0 ? limiter.reward?.(key, -by) : limiter.penalty?.(key, by),
  )
  return limiterAnswer('settle', said)
}

async function consumed(
  limiter: RateLimiterLike,
  key: string,
  cost: number,
): Promise<{ allowed: boolean; answer: LimiterAnswer }> {
  try {
    return { allowed: true, answer: limiterAnswer('charge', await limiter.consume(key, cost)) }
  } catch (reason) {
    if (reason instanceof StoreError) throw reason
    return { allowed: false, answer: limiterAnswer('charge', reason) }
  }
}

/** A limiter that cannot be looked at is asked for nothing: that begins a window, and uses none of it. */
async function found(limiter: RateLimiterLike, key: string): Promise<LimiterAnswer | undefined> {
  if (limiter.get === undefined) return (await consumed(limiter, key, 0)).answer
  const said = await asked('peek', () => limiter.get?.(key))
  return said === null || said === undefined ? undefined : limiterAnswer('peek', said)
}

/** Asks the limiter; whatever it fails with is a `StoreError`. */
async function asked(operation: string, ask: () => Promise<unknown> | undefined): Promise<unknown> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof StoreError) throw error
    throw new StoreError(operation, 'unavailable', { cause: error })
  }
}

function standing(
  { consumed, remaining, endsInMs }: LimiterAnswer,
  limit: number,
): Pick<Budget, 'used' | 'remaining' | 'resetMs'> {
  const used = Math.max(0, consumed)
  const ends = used > 0 && Number.isFinite(endsInMs)
  return { used, remaining: Math.min(remaining, limit), resetMs: ends ? endsInMs : 0 }
}

function unused(limit: number, cost: number): Budget {
  const allowed = cost <= limit
  const retryMs = allowed ? 0 : Number.POSITIVE_INFINITY
  return { allowed, used: 0, remaining: limit, resetMs: 0, retryMs, blockedMs: 0, mark: 0 }
}

function checkCounted({ algorithm }: Charge): void {
  if (algorithm === 'concurrency') throw new UsageError('A limiter as store holds no slots')
}

function endOf({ endsInMs }: LimiterAnswer, sentAt: number): number {
  return Number.isFinite(endsInMs) ? Math.floor(sentAt + endsInMs) : 0
}

/** Milliseconds since 1970, on a clock that nobody sets back. */
function now(): number {
  return performance.timeOrigin + performance.now()
}

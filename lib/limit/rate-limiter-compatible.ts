import { LRUCache } from 'lru-cache'
import { RateLimiterCompatibleAbstract, RateLimiterRes } from 'rate-limiter-flexible'
import { OptionError, UsageError } from '../errors.ts'
import { checkNames } from '../options.ts'
import type { CheckedLimit, Limiter } from './limiter.ts'
import type { LimiterRule } from './rule.ts'
import type { Decision, LimitStanding } from './verdict.ts'

/** How a limiter is told to rate-limiter-flexible. */
export interface RateLimiterOptions {
  /** The rule that the points are of; the others count each call as they would. @default the only one */
  readonly rule?: string
  /** Names its result within a `RateLimiterUnion`. @default the name of the rule */
  readonly keyPrefix?: string
}

/** A limiter as rate-limiter-flexible knows them. */
export interface CompatibleRateLimiter extends RateLimiterCompatibleAbstract {
  /** The limit; `Infinity` where a function decides. */
  readonly points: number
  /** Seconds. */
  readonly duration: number
}

/**
 * Makes of what `rateLimit()` gives a limiter that the wrappers of rate-limiter-flexible accept:
 * `RateLimiterUnion`, `BurstyRateLimiter`, `RLWrapperBlackAndWhite`, `RLWrapperTimeouts`,
 * `RateLimiterQueue`, and as `insuranceLimiter`.
 *
 * What is refused is not charged, so `consumedPoints` is never above the limit but by debt. Times are
 * whole seconds, rounded up. `reward()` and `penalty()` correct what this process has consumed of the
 * key in the running window; `set()` is an error.
 *
 * @throws OptionError for a rule that there is not, one of several where none is named, and slots.
 */
export function asRateLimiter<Native>(
  limit: Limiter<Native>,
  options: RateLimiterOptions = {},
): CompatibleRateLimiter {
  checkNames<RateLimiterOptions>('asRateLimiter', options, { rule: true, keyPrefix: true })
  const rule = chosenRule(limit.rules, options.rule)
  const { keyPrefix = rule.name } = options
  if (typeof keyPrefix !== 'string')
    throw new OptionError('asRateLimiter.keyPrefix', 'text', keyPrefix)
  return new Compatible(limit, rule, keyPrefix)
}

function chosenRule(rules: readonly LimiterRule[], name: string | undefined): LimiterRule {
  const names = rules.map((rule) => rule.name)
  const slots = rules.find(({ algorithm }) => algorithm === 'concurrency')
  if (slots !== undefined)
    throw new OptionError('asRateLimiter', 'a limit without slots: none would come back', slots)
  const [first, ...others] = name === undefined ? rules : rules.filter((rule) => rule.name === name)
  if (first !== undefined && others.length === 0) return first
  throw new OptionError('asRateLimiter.rule', `one of ${names.join(', ')}`, name)
}

/** What a call has taken. */
interface Taken {
  readonly checked: CheckedLimit
  cost: number
}

// Who is rewarded has just been served: the newest calls of the busiest keys are enough.
const mostKeys = 1000
const mostOfKey = 16
// The longest that a timer can wait; the queue sets one.
const longestMs = 2 ** 31 - 1
const foreverSeconds = 100 * 365 * 86_400

class Compatible<Native> extends RateLimiterCompatibleAbstract implements CompatibleRateLimiter {
  override readonly keyPrefix: string
  readonly points: number
  readonly duration: number
  readonly #limit: Limiter<Native>
  readonly #rule: string
  readonly #taken: LRUCache<string, Taken[]>

  constructor(limit: Limiter<Native>, rule: LimiterRule, keyPrefix: string) {
    super()
    this.keyPrefix = keyPrefix
    this.points = rule.limit ?? Number.POSITIVE_INFINITY
    this.duration = rule.window
    this.#limit = limit
    this.#rule = rule.name
    this.#taken = new LRUCache({ max: mostKeys, ttl: Math.ceil(rule.window * 1000) })
    own(this, 'blockDuration', 0)
    own(this, 'execEvenly', false)
  }

  override async consume(key: string | number, points = 1): Promise<RateLimiterRes> {
    const checked = await this.#check(key, points)
    if (checked.allowed) return this.#result(checked)
    // The library rejects with a result that is no error.
    throw this.#result(checked) as unknown as Error
  }

  override async penalty(key: string | number, points = 1): Promise<RateLimiterRes> {
    amount('penalty', points)
    const last = this.#takenOf(key).at(-1)
    if (last !== undefined) await this.#settle(last, last.cost + points)
    else if (!(await this.#check(key, points)).allowed) await this.#fill(key)
    return this.#standing(key)
  }

  override async reward(key: string | number, points = 1): Promise<RateLimiterRes> {
    amount('reward', points)
    let left = points
    for (const taken of [...this.#takenOf(key)].reverse()) {
      const back = Math.min(left, taken.cost)
      if (back > 0) await this.#settle(taken, taken.cost - back)
      left -= back
    }
    return this.#standing(key)
  }

  override async get(key: string | number): Promise<RateLimiterRes | null> {
    const decision = await this.#peek(key)
    const unused = this.#standingIn(decision)?.used === 0 && decision.blocked.length === 0
    return unused ? null : this.#result(decision)
  }

  override async set(): Promise<never> {
    throw new UsageError('What a limit has counted cannot be set: use penalty() or block()')
  }

  override async block(key: string | number, secDuration: number): Promise<RateLimiterRes> {
    await this.#limit.block(key, secDuration === 0 ? foreverSeconds : secDuration)
    return new RateLimiterRes(0, secDuration === 0 ? -1 : clamped(secDuration), 0)
  }

  override async delete(key: string | number): Promise<boolean> {
    const found = await this.get(key)
    await this.#limit.reset(key)
    this.#taken.delete(String(key))
    return found !== null
  }

  async #check(key: string | number, cost: number): Promise<CheckedLimit> {
    const checked = await this.#limit.check(key, { cost: { [this.#rule]: cost } })
    if (checked.allowed && cost > 0)
      this.#taken.set(String(key), [...this.#takenOf(key), { checked, cost }].slice(-mostOfKey))
    return checked
  }

  /** Uses up what is left. */
  async #fill(key: string | number): Promise<void> {
    const remaining = this.#standingIn(await this.#peek(key))?.remaining ?? 0
    if (remaining > 0) await this.#check(key, remaining)
  }

  async #settle(taken: Taken, cost: number): Promise<void> {
    await taken.checked.settle({ [this.#rule]: cost })
    taken.cost = cost
  }

  #takenOf(key: string | number): readonly Taken[] {
    return this.#taken.get(String(key)) ?? []
  }

  #peek(key: string | number): Promise<Decision> {
    return this.#limit.peek(key, { cost: { [this.#rule]: 0 } })
  }

  async #standing(key: string | number): Promise<RateLimiterRes> {
    return this.#result(await this.#peek(key))
  }

  #standingIn({ limits }: Decision): LimitStanding | undefined {
    return limits[this.#rule]
  }

  #result(decision: Decision): RateLimiterRes {
    const { allowed, retryAfter } = decision
    const standing = this.#standingIn(decision)
    if (allowed && standing === undefined)
      return new RateLimiterRes(Number.MAX_SAFE_INTEGER, 0, 0, false)
    const { remaining = 0, used = 0, reset = 0 } = standing ?? {}
    const waitMs = retryAfter === undefined ? longestMs : clamped(retryAfter)
    return new RateLimiterRes(remaining, allowed ? clamped(reset) : waitMs, used, false)
  }
}

function clamped(seconds: number): number {
  return Math.min(longestMs, seconds * 1000)
}

function amount(operation: string, points: number): void {
  if (!Number.isSafeInteger(points) || points < 0)
    throw new UsageError(`${operation} takes a whole number of at least 0, got ${String(points)}`)
}

/** A trait that a wrapper reads and may try to change: a limit has its own. */
function own(limiter: object, name: string, value: number | boolean): void {
  Object.defineProperty(limiter, name, {
    get: () => value,
    set(next: unknown) {
      if (next === undefined || next === value) return
      throw new OptionError(name, `absent: a limit of memoryware has its own \`block\``, next)
    },
  })
}

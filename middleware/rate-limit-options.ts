import type { Awaitable } from '../lib/awaitable.ts'
import { OptionError } from '../lib/errors.ts'
import type { HeaderStyle } from '../lib/limit/header-fields.ts'
import type { LimitStore, StoreErrorPolicy } from '../lib/limit/meter.ts'
import {
  foreignRule,
  isRateLimiterLike,
  type RateLimiterLike,
} from '../lib/limit/rate-limiter-like.ts'
import { type CheckedRule, checkRule, type Rule } from '../lib/limit/rule.ts'
import type { Decision } from '../lib/limit/verdict.ts'
import { checkNames, type Names, oneOf, optionalFunction } from '../lib/options.ts'
import { checkStore, defaultStore, limitStoreOf, type Store } from '../lib/store.ts'
import type { UserOf } from './identity.ts'

/** Options of `rateLimit()`: one rule in short form (`limit`, `window`, `key`), or `limits`. */
export interface RateLimitOptions<Native> {
  /** What may be used in a window: the short form of one rule. */
  readonly limit?: Rule<Native>['limit']
  /** How long it takes until what was used is there again. @default '1m' */
  readonly window?: Rule<Native>['window']
  /** Whom the rules count that name no `key` of their own. */
  readonly key?: Rule<Native>['key']
  /** Several rules; a request passes when all have room, and then uses all. */
  readonly limits?: readonly Rule<Native>[]
  /** Names the signed-in user. @default `user.id`, else `session.userId` */
  readonly user?: UserOf<Native>
  /**
   * Where it is kept. A limiter of rate-limiter-flexible counts one rule in its own way, and gives it
   * its limit and window.
   * @default the default store
   */
  readonly store?: Store | RateLimiterLike
  /**
   * When the store is away: count in this process (`local`), let everything pass (`open`), or answer
   * 503 (`error`).
   * @default 'local'
   */
  readonly onStoreError?: StoreErrorPolicy
  /**
   * Where clients are told of what stands: `draft-11` is `RateLimit` and `RateLimit-Policy`
   * (draft-ietf-httpapi-ratelimit-headers-11), `legacy` `X-RateLimit-*`, `openai` `x-ratelimit-*` as
   * the OpenAI API has them. `false` sends none.
   * @default ['draft-11']
   */
  readonly headers?: readonly HeaderStyle[] | false
  /** Whether a request is not counted at all. */
  readonly skip?: (native: Native) => Awaitable<boolean>
  /**
   * Told of each refusal, before it is answered; and of a request that passes but would have been
   * refused by a rule in shadow mode (`decision.allowed` tells them apart).
   */
  readonly onLimited?: (native: Native, decision: Decision) => void
}

const optionNames: Names<RateLimitOptions<unknown>> = {
  limit: true,
  window: true,
  key: true,
  limits: true,
  user: true,
  store: true,
  onStoreError: true,
  headers: true,
  skip: true,
  onLimited: true,
}

/** Checks the options; gives the rules, and what they are counted on. @throws OptionError */
export function checkRateLimit<Native>(options: RateLimitOptions<Native>): {
  readonly rules: readonly CheckedRule<Native>[]
  readonly store: LimitStore
} {
  checkNames<RateLimitOptions<Native>>('rateLimit', options, optionNames)
  const { store, onStoreError, headers } = options
  const limiter = isRateLimiterLike(store) ? store : undefined
  if (store !== undefined && !limiter) checkStore('rateLimit.store', store)
  if (onStoreError !== undefined)
    oneOf('rateLimit.onStoreError', onStoreError, ['local', 'open', 'error'])
  for (const name of ['user', 'skip', 'onLimited'] as const)
    optionalFunction(`rateLimit.${name}`, options[name])
  if (headers !== undefined && headers !== false) checkHeaders(headers)
  const rules = rulesOf(options, limiter)
  if (limiter !== undefined) return { rules, store: limitStoreOf(limiter) }
  return { rules, store: (store as Store | undefined) ?? defaultStore() }
}

const styles: readonly HeaderStyle[] = ['draft-11', 'legacy', 'openai']

function checkHeaders(headers: unknown): void {
  const wrong = !Array.isArray(headers) || headers.some((each) => !styles.includes(each))
  if (wrong)
    throw new OptionError('rateLimit.headers', `false, or a list of ${styles.join(', ')}`, headers)
}

function rulesOf<Native>(
  options: RateLimitOptions<Native>,
  limiter: RateLimiterLike | undefined,
): readonly CheckedRule<Native>[] {
  const { limit, window, key, limits } = options
  const shared = key === undefined ? {} : { key }
  if (limits !== undefined) return severalRules(options, { limits, shared, limiter })
  const rule = { ...(window === undefined ? {} : { window }), ...shared }
  if (limiter !== undefined)
    return [checkRule('rateLimit', foreignRule('rateLimit', limiter, { ...rule, limit }))]
  if (limit === undefined) throw new OptionError('rateLimit.limit', 'given, or `limits`', limit)
  return [checkRule('rateLimit', { ...rule, limit })]
}

function severalRules<Native>(
  { limit, window }: RateLimitOptions<Native>,
  {
    limits,
    shared,
    limiter,
  }: {
    limits: readonly Rule<Native>[]
    shared: Pick<Rule<Native>, 'key'>
    limiter: RateLimiterLike | undefined
  },
): CheckedRule<Native>[] {
  for (const [name, value] of Object.entries({ limit, window })) {
    if (value !== undefined)
      throw new OptionError(`rateLimit.${name}`, 'absent where `limits` is given', value)
  }
  if (!Array.isArray(limits) || limits.length === 0)
    throw new OptionError('rateLimit.limits', 'an array of at least one rule', limits)
  if (limiter !== undefined && limits.length > 1)
    throw new OptionError('rateLimit.limits', 'one rule where a limiter is the store', limits)
  const rules = limits.map((own, at) => {
    const where = `rateLimit.limits[${at}]`
    const rule = { ...shared, ...own }
    return checkRule(where, limiter ? foreignRule(where, limiter, rule) : rule)
  })
  const twice = rules.find(({ name }, at) => rules.findIndex((rule) => rule.name === name) !== at)
  if (twice) throw new OptionError('rateLimit.limits', 'rules of different names', twice.name)
  return rules
}

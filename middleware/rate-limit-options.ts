import { OptionError } from '../lib/errors.ts'
import type { HeaderStyle } from '../lib/limit/header-fields.ts'
import type { LimitStore, StoreErrorPolicy } from '../lib/limit/meter.ts'
import { type CheckedRule, checkRule, type Rule } from '../lib/limit/rule.ts'
import type { Decision } from '../lib/limit/verdict.ts'
import { checkNames, type Names, oneOf, optionalFunction } from '../lib/options.ts'
import { checkStore, defaultStore, type Store } from '../lib/store.ts'
import type { Awaitable, UserOf } from './identity.ts'

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
  /** Where it is kept. @default the default store */
  readonly store?: Store
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
  /** Told of each refusal, before it is answered. */
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
  if (store !== undefined) checkStore('rateLimit.store', store)
  if (onStoreError !== undefined)
    oneOf('rateLimit.onStoreError', onStoreError, ['local', 'open', 'error'])
  for (const name of ['user', 'skip', 'onLimited'] as const)
    optionalFunction(`rateLimit.${name}`, options[name])
  if (headers !== undefined && headers !== false) checkHeaders(headers)
  return { rules: rulesOf(options), store: store ?? defaultStore() }
}

const styles: readonly HeaderStyle[] = ['draft-11', 'legacy', 'openai']

function checkHeaders(headers: unknown): void {
  const wrong = !Array.isArray(headers) || headers.some((each) => !styles.includes(each))
  if (wrong)
    throw new OptionError('rateLimit.headers', `false, or a list of ${styles.join(', ')}`, headers)
}

function rulesOf<Native>(options: RateLimitOptions<Native>): readonly CheckedRule<Native>[] {
  const { limit, window, key, limits } = options
  const shared = key === undefined ? {} : { key }
  if (limits !== undefined) return severalRules(options, limits, shared)
  if (limit === undefined) throw new OptionError('rateLimit.limit', 'given, or `limits`', limit)
  const rule = { limit, ...(window === undefined ? {} : { window }), ...shared }
  return [checkRule('rateLimit', rule)]
}

function severalRules<Native>(
  { limit, window }: RateLimitOptions<Native>,
  limits: readonly Rule<Native>[],
  shared: Pick<Rule<Native>, 'key'>,
): CheckedRule<Native>[] {
  for (const [name, value] of Object.entries({ limit, window })) {
    if (value !== undefined)
      throw new OptionError(`rateLimit.${name}`, 'absent where `limits` is given', value)
  }
  if (!Array.isArray(limits) || limits.length === 0)
    throw new OptionError('rateLimit.limits', 'an array of at least one rule', limits)
  const rules = limits.map((rule, at) =>
    checkRule(`rateLimit.limits[${at}]`, { ...shared, ...rule }),
  )
  const twice = rules.find(({ name }, at) => rules.findIndex((rule) => rule.name === name) !== at)
  if (twice) throw new OptionError('rateLimit.limits', 'rules of different names', twice.name)
  return rules
}

import { type Duration, toMs, toText } from '../duration.ts'
import { OptionError } from '../errors.ts'
import { checkNames, type Names, oneOf, wholeNumber } from '../options.ts'
import type { Algorithm } from '../ports/budgets.ts'

/** A value now or later. */
type Awaitable<T> = T | Promise<T>

/** One limit. */
export interface Rule<Native> {
  /** Names the rule in keys and header fields: 1 to 32 of `A-Z a-z 0-9 _ . -`. @default '10-per-1m' */
  readonly name?: string
  /**
   * What may be used in a window. 0 refuses all, `Infinity` skips the rule. A function decides a
   * request, by the caller's plan for example; it is given the partition (`user~ann`).
   */
  readonly limit: number | ((native: Native, partition: string) => Awaitable<number>)
  /** How long it takes until what was used is there again. @default '1m' */
  readonly window?: Duration
  /**
   * `sliding`: never more than `limit` in any window, wherever it starts. `fixed`: a window begins
   * with its first request, so twice the limit may pass around its edge.
   * @default 'sliding'
   */
  readonly algorithm?: Algorithm
  /**
   * Whom it counts: the signed-in `user` (it does not apply to others), the `ip` address, all
   * together (`global`), or what a function names; `null` says that the rule does not apply.
   * @default the signed-in user, else the address; never the guest cookie
   */
  readonly key?: 'user' | 'ip' | 'global' | ((native: Native) => Awaitable<string | number | null>)
  /** What a request uses: a whole number, 0 or more. @default 1 */
  readonly cost?: number | ((native: Native) => Awaitable<number>)
  /** What is counted, where it is not requests: told in the policy field. */
  readonly unit?: string
}

/** A rule with its defaults. */
export interface CheckedRule<Native> {
  readonly name: string
  readonly limit: Rule<Native>['limit']
  readonly windowMs: number
  readonly algorithm: Algorithm
  readonly key: Rule<Native>['key']
  readonly cost: NonNullable<Rule<Native>['cost']>
  readonly unit: string | undefined
  /** How it is counted, as part of the key: `s60000`. */
  readonly shape: string
}

// The largest integer of RFC 9651.
const largest = 999_999_999_999_999

const ruleNames: Names<Rule<unknown>> = {
  name: true,
  limit: true,
  window: true,
  algorithm: true,
  key: true,
  cost: true,
  unit: true,
}

/** Checks one rule. @throws OptionError naming `where` and the option. */
export function checkRule<Native>(where: string, rule: Rule<Native>): CheckedRule<Native> {
  checkNames<Rule<Native>>(where, rule, ruleNames)
  const { limit, window = '1m', algorithm = 'sliding', key, cost = 1, unit } = rule
  checkLimit(`${where}.limit`, limit)
  const windowMs = toMs(`${where}.window`, window)
  oneOf(`${where}.algorithm`, algorithm, ['sliding', 'fixed'])
  if (key !== undefined && typeof key !== 'function')
    oneOf(`${where}.key`, key, ['user', 'ip', 'global'])
  if (typeof cost !== 'function') wholeNumber(`${where}.cost`, cost, { min: 0, max: largest })
  if (unit !== undefined && !/^[\x20-\x7e]{1,32}$/.test(unit))
    throw new OptionError(`${where}.unit`, 'text of 1 to 32 ASCII characters', unit)
  const { name = `${typeof limit === 'number' ? limit : 'plan'}-per-${toText(windowMs)}` } = rule
  if (typeof name !== 'string' || !/^[A-Za-z0-9_.-]{1,32}$/.test(name))
    throw new OptionError(`${where}.name`, '1 to 32 of A-Z a-z 0-9 _ . -', name)
  return { name, limit, windowMs, algorithm, key, cost, unit, shape: `${algorithm[0]}${windowMs}` }
}

/** Whether a limit can be worked with: whole and not below 0, or Infinity. */
export function isLimit(value: unknown): value is number {
  return (
    value === Number.POSITIVE_INFINITY ||
    (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= largest)
  )
}

/** Whether a cost can be charged: whole and not below 0. A negative one would be credit. */
export function isCost(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= largest
}

function checkLimit(option: string, limit: unknown): void {
  if (typeof limit === 'function' || isLimit(limit)) return
  throw new OptionError(option, 'a whole number of at least 0, Infinity, or a function', limit)
}

/** What tells one rule from another of the same name. */
export function signature<Native>({ shape, limit, key, cost, unit }: CheckedRule<Native>): string {
  return [shape, limit, key, cost, unit].map(String).join(' ')
}

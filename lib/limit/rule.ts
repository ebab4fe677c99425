import type { Awaitable } from '../awaitable.ts'
import { type Duration, toMs, toText } from '../duration.ts'
import { OptionError } from '../errors.ts'
import { checkNames, type Names, oneOf, optionalFunction, wholeNumber } from '../options.ts'
import type { Algorithm } from '../ports/budgets.ts'
import { isLimit, largest } from './amount.ts'

/** How the response to a request ended. */
export interface ResponseEnd {
  /** `undefined` where it ended before its first byte. */
  readonly status: number | undefined
  /** The connection closed before the whole response was out. */
  readonly aborted: boolean
}

/** Shuts out who is refused again and again. */
export interface BlockRule {
  /** How many refusals within a window block. */
  readonly after: number
  /** How long nothing passes then. */
  readonly for: Duration
  /**
   * `double`: each further block lasts twice as long as the one before, up to a day (or `for` where
   * that is longer), until none has come for as long as the last one took.
   */
  readonly escalate?: 'double'
}

/** One limit. */
export interface Rule<Native> {
  /** Names the rule in keys and header fields: 1 to 32 of `A-Z a-z 0-9 _ . -`. @default '10-per-1m' */
  readonly name?: string
  /**
   * What may be used in a window; of `concurrency` at the same time. 0 refuses all, `Infinity` skips
   * the rule. A function decides a request, by the caller's plan for example; it is given the
   * partition (`user~ann`).
   */
  readonly limit: number | ((native: Native, partition: string) => Awaitable<number>)
  /** How long it takes until what was used is there again; not of `concurrency`. @default '1m' */
  readonly window?: Duration
  /**
   * `sliding`: never more than `limit` in any window, wherever it starts. `fixed`: a window begins
   * with its first request, so twice the limit may pass around its edge. `gcra`: what was used comes
   * back evenly (the Generic Cell Rate Algorithm of ITU-T I.371). `concurrency`: requests under way,
   * each until its response is over.
   * @default 'sliding'
   */
  readonly algorithm?: Algorithm
  /** `gcra`: what may be used at once. @default limit */
  readonly burst?: number
  /**
   * `concurrency`: how long the slot of a process that has died stays taken. It is renewed while
   * the response is open. At least 1 second. @default '30s'
   */
  readonly lease?: Duration
  /**
   * Whom it counts: the signed-in `user` (it does not apply to others), the `ip` address, all
   * together (`global`), or what a function names; `null` says that the rule does not apply.
   * @default the signed-in user, else the address; never the guest cookie
   */
  readonly key?: 'user' | 'ip' | 'global' | ((native: Native) => Awaitable<string | number | null>)
  /**
   * What a request uses: a whole number, 0 or more. What a function tells is an estimate, which
   * `settle()` corrects. @default 1
   */
  readonly cost?: number | ((native: Native) => Awaitable<number>)
  /** What is counted, where it is not requests, such as `tokens`: told in the policy field. Not of `concurrency`. */
  readonly unit?: string
  /** `shadow`: it refuses nobody; what it would have refused is told in events. @default 'enforce' */
  readonly mode?: 'enforce' | 'shadow'
  /** Whether a request that has ended so does not count. */
  readonly refundIf?: (native: Native, end: ResponseEnd) => boolean
  /** Shuts out who is refused again and again. @default nobody */
  readonly block?: BlockRule
}

/** A rule with its defaults. */
export interface CheckedRule<Native> {
  readonly name: string
  readonly limit: Rule<Native>['limit']
  /** The window, or the lease. */
  readonly windowMs: number
  readonly algorithm: Algorithm
  readonly burst: number | undefined
  readonly key: Rule<Native>['key']
  readonly cost: NonNullable<Rule<Native>['cost']>
  readonly unit: string | undefined
  readonly shadow: boolean
  readonly refundIf: Rule<Native>['refundIf']
  readonly block: { after: number; forMs: number; doubles: boolean } | undefined
  /** What it takes is an estimate, corrected when the cost is known. */
  readonly reserves: boolean
  /** How it is counted, as part of the key: `w60000`. */
  readonly shape: string
}

const ruleNames: Names<Rule<unknown>> = {
  name: true,
  limit: true,
  window: true,
  algorithm: true,
  burst: true,
  lease: true,
  key: true,
  cost: true,
  unit: true,
  mode: true,
  refundIf: true,
  block: true,
}

/** Checks one rule. @throws OptionError naming `where` and the option. */
export function checkRule<Native>(where: string, rule: Rule<Native>): CheckedRule<Native> {
  checkNames<Rule<Native>>(where, rule, ruleNames)
  const { limit, algorithm = 'sliding', burst, key, cost = 1, unit, mode = 'enforce' } = rule
  if (typeof limit !== 'function' && !isLimit(limit))
    throw new OptionError(
      `${where}.limit`,
      'a whole number of at least 0, Infinity, or a function',
      limit,
    )
  oneOf(`${where}.algorithm`, algorithm, ['sliding', 'fixed', 'gcra', 'concurrency'])
  refuseForeign(where, rule, algorithm)
  if (burst !== undefined) wholeNumber(`${where}.burst`, burst, { max: largest })
  if (key !== undefined && typeof key !== 'function')
    oneOf(`${where}.key`, key, ['user', 'ip', 'global'])
  if (typeof cost !== 'function') wholeNumber(`${where}.cost`, cost, { min: 0, max: largest })
  if (unit !== undefined && !/^[\x20-\x7e]{1,32}$/.test(unit))
    throw new OptionError(`${where}.unit`, 'text of 1 to 32 ASCII characters', unit)
  oneOf(`${where}.mode`, mode, ['enforce', 'shadow'])
  optionalFunction(`${where}.refundIf`, rule.refundIf)
  const windowMs = windowOf(where, rule, algorithm)
  return {
    name: nameOf(where, rule, windowMs),
    limit,
    windowMs,
    algorithm,
    burst,
    key,
    cost,
    unit,
    shadow: mode === 'shadow',
    refundIf: rule.refundIf,
    block: rule.block && checkBlock(`${where}.block`, rule.block),
    reserves: (unit ?? 'requests') !== 'requests' || typeof cost === 'function',
    shape: shapeOf(algorithm, windowMs),
  }
}

/** A form that is kept in another way than before needs another letter: `s` once was `sliding`. */
const letters: Readonly<Record<Algorithm, string>> = {
  sliding: 'w',
  fixed: 'f',
  gcra: 'g',
  concurrency: 'c',
}

/** A lease may change while slots are held. */
function shapeOf(algorithm: Algorithm, windowMs: number): string {
  const letter = letters[algorithm]
  return algorithm === 'concurrency' ? letter : `${letter}${windowMs}`
}

/** Options of other algorithms would silently do nothing. */
const foreign: Readonly<Record<Algorithm, readonly (keyof Rule<unknown>)[]>> = {
  sliding: ['burst', 'lease'],
  fixed: ['burst', 'lease'],
  gcra: ['lease'],
  concurrency: ['window', 'burst', 'cost', 'unit', 'refundIf'],
}

function refuseForeign<Native>(where: string, rule: Rule<Native>, algorithm: Algorithm): void {
  for (const name of foreign[algorithm]) {
    if (rule[name] !== undefined)
      throw new OptionError(
        `${where}.${name}`,
        `absent where the algorithm is ${algorithm}`,
        rule[name],
      )
  }
}

function windowOf<Native>(where: string, rule: Rule<Native>, algorithm: Algorithm): number {
  if (algorithm !== 'concurrency') return toMs(`${where}.window`, rule.window ?? '1m')
  const { lease = '30s' } = rule
  const leaseMs = toMs(`${where}.lease`, lease)
  if (leaseMs < 1000) throw new OptionError(`${where}.lease`, 'at least 1 second', lease)
  return leaseMs
}

function nameOf<Native>(where: string, rule: Rule<Native>, windowMs: number): string {
  const most = typeof rule.limit === 'number' ? rule.limit : 'plan'
  const per = rule.algorithm === 'concurrency' ? 'at-once' : `per-${toText(windowMs)}`
  const { name = `${most}-${per}` } = rule
  if (typeof name === 'string' && /^[A-Za-z0-9_.-]{1,32}$/.test(name)) return name
  throw new OptionError(`${where}.name`, '1 to 32 of A-Z a-z 0-9 _ . -', name)
}

function checkBlock(where: string, block: BlockRule): NonNullable<CheckedRule<never>['block']> {
  checkNames<BlockRule>(where, block, { after: true, for: true, escalate: true })
  const { after, escalate } = block
  wholeNumber(`${where}.after`, after, { max: 1_000_000 })
  if (escalate !== undefined) oneOf(`${where}.escalate`, escalate, ['double'])
  return { after, forMs: toMs(`${where}.for`, block.for), doubles: escalate === 'double' }
}

/** What tells one rule from another of the same name. */
export function signature<Native>(rule: CheckedRule<Native>): string {
  const { shape, windowMs, burst, limit, key, cost, unit, shadow, refundIf, block } = rule
  const blocked = block && `${block.after} ${block.forMs} ${block.doubles}`
  return [shape, windowMs, burst, limit, key, cost, unit, shadow, refundIf, blocked]
    .map(String)
    .join(' ')
}

/** What is to be known of a rule of a limiter. */
export interface LimiterRule {
  /** As in keys and header fields. */
  readonly name: string
  /** How it counts. */
  readonly algorithm: Algorithm
  /** `undefined` where a function decides. */
  readonly limit: number | undefined
  /** Seconds; of `concurrency` the lease. */
  readonly window: number
}

/** What may be told of a rule. */
export function limiterRule<Native>({
  name,
  algorithm,
  limit,
  windowMs,
}: CheckedRule<Native>): LimiterRule {
  const known = typeof limit === 'number' ? limit : undefined
  return { name, algorithm, limit: known, window: windowMs / 1000 }
}

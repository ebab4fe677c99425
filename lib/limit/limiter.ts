import { type Duration, toMs } from '../duration.ts'
import { UsageError } from '../errors.ts'
import { checkNames } from '../options.ts'
import { checkedCost, checkRuleNames, isCost, isLimit, largest, limitMessage } from './amount.ts'
import { type Demand, demandOf } from './demand.ts'
import { type LimitKey, partitionOf } from './limit-key.ts'
import type { LimitStore, Meter } from './meter.ts'
import { refusalsOf } from './refusals.ts'
import type { Reservation } from './reservation.ts'
import { type CheckedRule, type LimiterRule, limiterRule } from './rule.ts'
import { type Decision, type LimitStanding, standingsByName } from './verdict.ts'

/** What is asked of a limiter. */
export interface CheckOptions<Native> {
  /**
   * What it uses, by the rules' names, or as one number: of the rules that count something else than
   * requests, where there are none of all. @default what the rule says
   */
  readonly cost?: number | Readonly<Record<string, number>>
  /**
   * Handed to the rules' functions, such as the request that opened a WebSocket. Functions of limits
   * are called without it where it is not given; functions of costs are an error then.
   */
  readonly request?: Native
}

/** What a limiter decided, and what it has taken. */
export interface CheckedLimit extends Decision {
  /** Puts what it really cost in the place of what was taken, by the rules' names. */
  settle(used: Readonly<Record<string, number>>): Promise<void>
  /** Settles the rules that count tokens by a usage object, or by what carries one; false without. */
  settleUsage(usage: unknown): Promise<boolean>
  /** Frees slots, and gives back reservations that were not settled. */
  release(): Promise<void>
}

/** A limiter outside requests: for messages of WebSockets, for jobs. */
export interface Limiter<Native> {
  /** The rules that it counts. */
  readonly rules: readonly LimiterRule[]
  /**
   * Counts; what is not allowed takes nothing. A slot is held until `release()`.
   *
   * @throws UsageError for a key or cost that cannot be, StoreError where the store is away and
   * `onStoreError` is `error`.
   */
  check(key: LimitKey, options?: CheckOptions<Native>): Promise<CheckedLimit>
  /**
   * What `check` would decide, taking nothing; a cost that cannot be known is taken to be 1.
   *
   * @throws StoreError where the store is away.
   */
  peek(key: LimitKey, options?: CheckOptions<Native>): Promise<Decision>
  /**
   * Forgets what was counted, slots and blocks; of rules that count all together (`global`) only
   * where there are no others.
   *
   * @throws StoreError where the store is away.
   */
  reset(key: LimitKey): Promise<void>
  /**
   * Lets nothing pass for as long as told, in any process; rules that count all together are left out
   * where there are others. Whose limit is `Infinity` is not asked about, and passes.
   *
   * @throws StoreError where the store is away.
   */
  block(key: LimitKey, duration: Duration): Promise<void>
}

/** A limiter over these rules. */
export function limiterOf<Native>(
  rules: readonly CheckedRule<Native>[],
  store: LimitStore,
  meter: Meter,
): Limiter<Native> {
  async function demandsOf(
    key: LimitKey,
    options: CheckOptions<Native> = {},
    unknown?: number,
  ): Promise<readonly Demand[]> {
    checkNames<CheckOptions<Native>>('check', options, { cost: true, request: true })
    checkCosts(options.cost, rules)
    const demands = await Promise.all(
      applied(rules, key).map(({ rule, whom }) => {
        const cost = given(options.cost, rule) ?? (isKnown(rule, options) ? undefined : unknown)
        return demand(rule, whom, cost, options)
      }),
    )
    return demands.filter((each) => each !== undefined)
  }

  const reserving = rules.some(({ reserves }) => reserves)

  function given(
    cost: CheckOptions<Native>['cost'],
    rule: CheckedRule<Native>,
  ): number | undefined {
    if (typeof cost === 'object')
      return Object.hasOwn(cost, rule.name) ? cost[rule.name] : undefined
    return rule.reserves || !reserving ? cost : undefined
  }

  return {
    rules: rules.map(limiterRule),
    async check(key, options) {
      const demands = await demandsOf(key, options)
      const metered = await meter.read(meter.ask(demands, store.deadline()))
      if (metered.kind === 'away') throw metered.error
      if (metered.kind === 'open') return checked(unlimited, undefined, rules)
      return checked(metered.verdict.decision, metered.reservation, rules)
    },
    async peek(key, options) {
      return meter.peek(await demandsOf(key, options, 1))
    },
    async reset(key) {
      const charges = ownOf(rules, key).map(({ rule, whom }) => chargeOf(rule, whom))
      const keys = charges.flatMap(({ key, block }) => [key, ...(block ? [block.key] : [])])
      refusalsOf(store.budgets).forget(keys)
      await store.budgets.clear(keys)
      refusalsOf(store.budgets).forget(keys)
    },
    async block(key, duration) {
      const charges = ownOf(rules, key).map(({ rule, whom }) => chargeOf(rule, whom))
      const keys = charges.flatMap(({ block }) => (block ? [block.key] : []))
      await store.budgets.block(keys, toMs('duration', duration))
      refusalsOf(store.budgets).forget(charges.map((each) => each.key))
    },
  }
}

const unlimited: Decision = {
  allowed: true,
  degraded: true,
  remembered: false,
  limits: {},
  violated: [],
  blocked: [],
  shadowed: [],
  retryAfter: undefined,
}

function checked<Native>(
  decision: Decision,
  reservation: Reservation | undefined,
  rules: readonly CheckedRule<Native>[],
): CheckedLimit {
  return {
    ...decision,
    get limits(): Readonly<Record<string, LimitStanding>> {
      return reservation ? standingsByName(reservation.standings()) : decision.limits
    },
    async settle(used) {
      checkRuleNames(used, new Set(rules.map(({ name }) => name)))
      await reservation?.settle(used)
    },
    settleUsage: async (usage) => (await reservation?.settleUsage(usage)) ?? false,
    release: async () => reservation?.release(),
  }
}

function checkCosts<Native>(
  cost: CheckOptions<Native>['cost'],
  rules: readonly CheckedRule<Native>[],
): void {
  const named = typeof cost === 'object' && cost !== null
  const costs = named ? Object.values(cost) : [cost === undefined ? 0 : cost]
  for (const each of costs) {
    if (!isCost(each))
      throw new UsageError(
        `A cost must be a whole number from 0 to ${largest}, got ${String(each)}`,
      )
  }
  if (named) checkRuleNames(cost, new Set(rules.map(({ name }) => name)))
}

interface Applied<Native> {
  readonly rule: CheckedRule<Native>
  readonly whom: string
}

/** The rules that apply to a key. @throws UsageError where none does. */
function applied<Native>(
  rules: readonly CheckedRule<Native>[],
  key: LimitKey,
): readonly Applied<Native>[] {
  const found = rules.flatMap((rule) => {
    const whom = partitionOf(rule.key, key)
    return whom === undefined ? [] : [{ rule, whom }]
  })
  if (found.length === 0)
    throw new UsageError('The key names nobody that a rule of this limit counts')
  return found
}

/**
 * The rules that count a key alone: what is reset or blocked for one is not for all. Those that count
 * all together where there are no others.
 */
function ownOf<Native>(
  rules: readonly CheckedRule<Native>[],
  key: LimitKey,
): readonly Applied<Native>[] {
  const found = applied(rules, key)
  const own = found.filter(({ rule }) => rule.key !== 'global')
  return own.length > 0 ? own : found
}

/** The budget of a rule, whatever it may hold. */
function chargeOf<Native>(rule: CheckedRule<Native>, whom: string): Demand['charge'] {
  return demandOf(rule, { partition: whom, limit: 1, cost: 0 }).charge
}

async function demand<Native>(
  rule: CheckedRule<Native>,
  whom: string,
  cost: number | undefined,
  { request }: CheckOptions<Native>,
): Promise<Demand | undefined> {
  const limit =
    typeof rule.limit === 'function' ? await rule.limit(request as Native, whom) : rule.limit
  if (limit === Number.POSITIVE_INFINITY) return undefined
  if (!isLimit(limit)) throw new UsageError(limitMessage(rule.name, limit))
  if (rule.algorithm === 'concurrency')
    return demandOf(rule, { partition: whom, limit, cost: cost === 0 ? 0 : 1 })
  if (cost !== undefined) return demandOf(rule, { partition: whom, limit, cost, reserves: true })
  return demandOf(rule, { partition: whom, limit, cost: await costOf(rule, request) })
}

/** Whether a rule can tell its cost. */
function isKnown<Native>(
  { cost }: CheckedRule<Native>,
  { request }: CheckOptions<Native>,
): boolean {
  return typeof cost === 'number' || request !== undefined
}

async function costOf<Native>(
  { name, cost }: CheckedRule<Native>,
  request: Native | undefined,
): Promise<number> {
  if (typeof cost === 'number') return cost
  if (request === undefined)
    throw new UsageError(
      `The cost of ${name} is a function of the request: give \`cost\` or \`request\``,
    )
  return checkedCost(name, await cost(request))
}

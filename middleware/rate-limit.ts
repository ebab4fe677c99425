import { StoreError, UsageError } from '../lib/errors.ts'
import { limitKey } from '../lib/keys.ts'
import { type ChargeFixed, fixedWindow, isWhole } from '../lib/limit/fixed.ts'
import { rateLimitFields } from '../lib/limit/header-fields.ts'
import { type Problem, quotaExceeded, reducedCapacity } from '../lib/limit/problem.ts'
import { type CheckedRule, isCost, isLimit } from '../lib/limit/rule.ts'
import { type Decision, decide, type Standing } from '../lib/limit/verdict.ts'
import type { Budget, Budgets, Charge } from '../lib/ports/budgets.ts'
import { defaultStore, type Store } from '../lib/store.ts'
import { publish } from '../lib/telemetry.ts'
import type { Composable, Exchange, Fields } from './exchange.ts'
import type { UserOf } from './identity.ts'
import { partitionOf } from './partition.ts'
import { checkRateLimit, type RateLimitOptions } from './rate-limit-options.ts'
import { requestDeadline, requestState } from './request-state.ts'
import { register } from './rule-registry.ts'

/** A rule that applies to this request. */
interface Applied<Native> {
  readonly rule: CheckedRule<Native>
  readonly charge: Charge
}

/** The rate limiter, knowing no framework. */
export function rateLimitCore<Native>(
  options: RateLimitOptions<Native>,
): Composable<Native, readonly Applied<Native>[], Promise<readonly Budget[]> | undefined> {
  const rules = checkRateLimit(options)
  const { store = defaultStore(), user, onStoreError = 'local', headers, skip, onLimited } = options
  register(store, rules)
  const charge = charger(store.budgets, rules)

  return {
    asks: [skip, ...rules.flatMap((rule) => askedOf(rule, user))].filter(isFunction),
    waits: (started) => started !== undefined,

    async prepare(exchange) {
      if (await skip?.(exchange.native)) return []
      const applied = await Promise.all(rules.map((rule) => apply(exchange, rule, user)))
      return applied.filter((each) => each !== undefined)
    },

    start(exchange, applied) {
      const charges = chargesOf(applied)
      return charges.length === 0
        ? undefined
        : charge(charges, requestDeadline(exchange.req, store))
    },

    async finish(exchange, applied, started) {
      if (applied.length === 0) return pass(exchange, [], false)
      const settled = await settle(applied, started)
      if (settled === 'open') return pass(exchange, [], true)
      if (settled === 'refuse') return answer(exchange, reducedCapacity(), 1)
      const { standings, decision } = settled
      publish('limit', () => decision)
      pass(exchange, standings, decision.degraded)
      if (headers !== false) setFields(exchange, rateLimitFields(standings))
      if (decision.allowed) return 'next'
      tell(() => onLimited?.(exchange.native, decision))
      return answer(exchange, quotaExceeded(decision), decision.retryAfter)
    },
  }

  async function settle(
    applied: readonly Applied<Native>[],
    started: Promise<readonly Budget[]> | undefined,
  ): Promise<Settled | 'open' | 'refuse'> {
    try {
      return judged(applied, started ? await started : [], false)
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      publish('error', () => ({ during: 'limit', error }))
      return onStoreError === 'local' ? insured(applied) : refusals[onStoreError]
    }
  }

  async function insured(applied: readonly Applied<Native>[]): Promise<Settled> {
    return judged(applied, await store.insurance.charge(chargesOf(applied)), true)
  }
}

function askedOf<Native>(
  { key, limit, cost }: CheckedRule<Native>,
  user: UserOf<Native> | undefined,
): readonly unknown[] {
  return [key === undefined || key === 'user' ? user : key, limit, cost]
}

function isFunction(given: unknown): boolean {
  return typeof given === 'function'
}

const refusals = { open: 'open', error: 'refuse' } as const

interface Settled {
  readonly standings: readonly Standing[]
  readonly decision: Decision
}

/**
 * What to ask the store. What can never pass is refused without asking; nothing is charged then,
 * the other budgets are only looked at.
 */
function chargesOf<Native>(applied: readonly Applied<Native>[]): readonly Charge[] {
  const charges = applied.map(({ charge }) => charge)
  if (!charges.some(impossible)) return charges
  return charges.filter((each) => !impossible(each)).map((each) => ({ ...each, cost: 0 }))
}

function judged<Native>(
  applied: readonly Applied<Native>[],
  asked: readonly Budget[],
  degraded: boolean,
): Settled {
  const budgets = asked.values()
  const standings = applied.flatMap(({ rule, charge }) => {
    const budget = impossible(charge) ? never : budgets.next().value
    const { name, windowMs, unit } = rule
    return budget ? [{ name, windowMs, unit, limit: charge.limit, budget }] : []
  })
  return { standings, decision: decide(standings, degraded) }
}

async function apply<Native>(
  exchange: Exchange<Native>,
  rule: CheckedRule<Native>,
  user: UserOf<Native> | undefined,
): Promise<Applied<Native> | undefined> {
  const whom = await partitionOf(exchange, rule, user)
  if (whom === undefined) return undefined
  const limit =
    typeof rule.limit === 'function' ? await rule.limit(exchange.native, whom) : rule.limit
  if (!isLimit(limit))
    throw new UsageError(
      `The limit ${rule.name} must be a whole number of at least 0, got ${limit}`,
    )
  if (limit === Number.POSITIVE_INFINITY) return undefined
  const cost = typeof rule.cost === 'function' ? await rule.cost(exchange.native) : rule.cost
  if (!isCost(cost))
    throw new UsageError(
      `The cost of ${rule.name} must be a whole number of at least 0, got ${cost}`,
    )
  const { algorithm, windowMs } = rule
  const key = limitKey(whom, rule.name, rule.shape)
  return { rule, charge: { key, algorithm, limit, windowMs, cost } }
}

/** One fixed window goes to rate-limiter-flexible, everything else to the store's own step. */
function charger<Native>(
  budgets: Budgets,
  rules: readonly CheckedRule<Native>[],
): (
  charges: readonly Charge[],
  deadline: ReturnType<Store['deadline']>,
) => Promise<readonly Budget[]> {
  const fixed: ChargeFixed | undefined =
    rules.length === 1 && rules.every(isWhole) ? fixedWindow(budgets) : undefined
  return async (charges, deadline) => {
    const [only] = charges
    if (fixed && only) return [await fixed(only, { deadline })]
    return budgets.charge(charges, { deadline })
  }
}

function impossible({ cost, limit }: Charge): boolean {
  return limit === 0 || cost > limit
}

/** The budget of a request that could never pass. */
const never: Budget = {
  allowed: false,
  used: 0,
  remaining: 0,
  resetMs: 0,
  retryMs: Number.POSITIVE_INFINITY,
}

/** A listener that fails does not change the answer. */
function tell(listener: () => unknown): void {
  new Promise((resolve) => resolve(listener())).catch((error: unknown) => {
    publish('error', () => ({ during: 'onLimited', error }))
  })
}

function pass<Native>(
  exchange: Exchange<Native>,
  standings: readonly Standing[],
  degraded: boolean,
): 'next' {
  const state = requestState(exchange.req)
  state.rateLimit = {
    limits: { ...state.rateLimit?.limits, ...decide(standings, degraded).limits },
    degraded: degraded || (state.rateLimit?.degraded ?? false),
  }
  exchange.attach('rateLimit', () => state.rateLimit)
  return 'next'
}

/** Adds to what an outer limiter has set: both are lists. */
function setFields<Native>({ res }: Exchange<Native>, fields: Record<string, string>): void {
  if (res.headersSent) return
  for (const [name, value] of Object.entries(fields)) {
    const before = res.getHeader(name)
    res.setHeader(name, before === undefined ? value : `${String(before)}, ${value}`)
  }
}

function answer<Native>(
  exchange: Exchange<Native>,
  { status, body }: Problem,
  retryAfter: number | undefined,
): 'answered' {
  const fields: Fields = {
    'Content-Type': 'application/problem+json',
    'Cache-Control': 'no-store',
    ...(retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) }),
  }
  exchange.answer(status, fields, body)
  return 'answered'
}

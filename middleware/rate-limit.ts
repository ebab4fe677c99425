import { MemorywareError, UsageError } from '../lib/errors.ts'
import { checkedCost, isLimit, limitMessage } from '../lib/limit/amount.ts'
import { type Demand, demandOf } from '../lib/limit/demand.ts'
import { fixedWindow, isWhole } from '../lib/limit/fixed.ts'
import { joinFields, limitFields } from '../lib/limit/header-fields.ts'
import { type Limiter, limiterOf } from '../lib/limit/limiter.ts'
import { type Asked, createMeter, type Metered } from '../lib/limit/meter.ts'
import { type Problem, quotaExceeded, reducedCapacity } from '../lib/limit/problem.ts'
import type { Reservation } from '../lib/limit/reservation.ts'
import type { CheckedRule, ResponseEnd } from '../lib/limit/rule.ts'
import type { Decision, Standing } from '../lib/limit/verdict.ts'
import { publish } from '../lib/telemetry.ts'
import type { Composable, Exchange, Fields } from './exchange.ts'
import { identify, type UserOf } from './identity.ts'
import { partitionOf } from './partition.ts'
import { checkRateLimit, type RateLimitOptions } from './rate-limit-options.ts'
import { type Identity, requestDeadline, requestState } from './request-state.ts'
import { onResponseEnd } from './response-end.ts'
import { register } from './rule-registry.ts'

/** A rate limiter: in front of handlers, and outside requests. */
export interface RateLimitCore<Native>
  extends Composable<Native, readonly Demand[] | undefined, Asked | undefined> {
  readonly limiter: Limiter<Native>
}

/** The rate limiter, knowing no framework. */
export function rateLimitCore<Native>(options: RateLimitOptions<Native>): RateLimitCore<Native> {
  const { rules, store } = checkRateLimit(options)
  const { user, onStoreError = 'local', headers = ['draft-11'], skip, onLimited } = options
  register(store, rules)
  const single = rules.length === 1 && rules.every(isWhole)
  const charge = single ? fixedWindow(store.budgets) : store.budgets.charge
  const meter = createMeter(store, { onStoreError, charge })
  const names = rules.map(({ name }) => name)

  function pass(exchange: Exchange<Native>, metered: Metered): void {
    const { limits } = requestState(exchange.req)
    if (metered.kind === 'counted') {
      const { standings, reservation, decision } = metered
      const refresh = () => {
        if (reservation && headers !== false) setFields(exchange, headers, reservation.standings())
      }
      limits.add(names, standings, { reservation, degraded: decision.degraded, refresh })
      if (reservation) watchEnd(exchange, rules, reservation)
    } else limits.add(names, [], { degraded: true })
    exchange.attach('rateLimit', () => limits)
  }

  return {
    limiter: limiterOf(rules, store, meter),

    asks: [skip, ...rules.flatMap((rule) => askedOf(rule, user))].filter(isFunction),
    waits: (asked) => asked?.budgets !== undefined,

    async prepare(exchange) {
      return (await skip?.(exchange.native)) ? undefined : demandsOf(exchange, rules, user)
    },

    start(exchange, demands) {
      if (demands === undefined || demands.length === 0) return undefined
      return meter.ask(demands, requestDeadline(exchange.req, store))
    },

    async finish(exchange, _demands, asked) {
      if (asked === undefined) return passed(exchange)
      const metered = await meter.read(asked)
      pass(exchange, metered)
      if (metered.kind === 'open') return 'next'
      if (metered.kind === 'away') return answer(exchange, reducedCapacity(), 1)
      const { standings, decision } = metered
      if (headers !== false) setFields(exchange, headers, standings)
      return concluded(exchange, decision)
    },
  }

  function concluded(exchange: Exchange<Native>, decision: Decision): 'next' | 'answered' {
    const { allowed, shadowed, retryAfter } = decision
    if (!allowed || shadowed.length > 0)
      tell('onLimited', () => onLimited?.(exchange.native, decision))
    if (allowed) return 'next'
    // What limiters further out have reserved is not used.
    requestState(exchange.req).limits.spare()
    return answer(exchange, quotaExceeded(decision), retryAfter)
  }

  /** Nothing applies to this request. */
  function passed(exchange: Exchange<Native>): 'next' {
    const { limits } = requestState(exchange.req)
    limits.add(names, [], { degraded: false })
    exchange.attach('rateLimit', () => limits)
    return 'next'
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

async function demandsOf<Native>(
  exchange: Exchange<Native>,
  rules: readonly CheckedRule<Native>[],
  user: UserOf<Native> | undefined,
): Promise<readonly Demand[]> {
  let identity: Promise<Identity> | undefined
  const who = () => {
    identity ??= Promise.resolve(identify(exchange, user))
    return identity
  }
  const demands = await Promise.all(rules.map((rule) => demand(exchange, rule, who)))
  return demands.filter((each) => each !== undefined)
}

async function demand<Native>(
  exchange: Exchange<Native>,
  rule: CheckedRule<Native>,
  who: () => Promise<Identity>,
): Promise<Demand | undefined> {
  const partition = await partitionOf(exchange, rule, who)
  if (partition === undefined) return undefined
  const { native } = exchange
  const limit = typeof rule.limit === 'function' ? await rule.limit(native, partition) : rule.limit
  if (!isLimit(limit)) throw new UsageError(limitMessage(rule.name, limit))
  if (limit === Number.POSITIVE_INFINITY) return undefined
  const told = typeof rule.cost === 'function' ? await rule.cost(native) : rule.cost
  return demandOf(rule, { partition, limit, cost: checkedCost(rule.name, told) })
}

/** Frees what the request has taken when its response is over. */
function watchEnd<Native>(
  { res, native }: Exchange<Native>,
  rules: readonly CheckedRule<Native>[],
  reservation: Reservation,
): void {
  const refunding = rules.filter(({ refundIf }) => refundIf !== undefined)
  if (refunding.length === 0 && !reservation.ends) return
  onResponseEnd(res, (end) => {
    const refunded = new Set(
      refunding.filter((rule) => refunds(rule, native, end)).map(({ name }) => name),
    )
    const failed = end.status === undefined || end.status >= 500
    tell('refund', () =>
      reservation.giveBack(
        ({ rule, reserves, settled }) =>
          refunded.has(rule.name) || (failed && reserves && !settled),
      ),
    )
  })
}

function refunds<Native>(rule: CheckedRule<Native>, native: Native, end: ResponseEnd): boolean {
  try {
    const told: unknown = rule.refundIf?.(native, end)
    if (!(told instanceof Promise)) return told === true
    told.catch(() => undefined)
    throw new UsageError(`The refundIf of the limit ${rule.name} must not be asynchronous`)
  } catch (error) {
    publish('error', () => ({ during: 'refundIf', error }))
    return false
  }
}

/** What fails here does not change the answer. */
function tell(during: string, call: () => unknown): void {
  new Promise((resolve) => resolve(call())).catch((error: unknown) => {
    publish('error', () => ({ during, error }))
  })
}

/** Lists are added to what an outer limiter has set; single values tell of all limiters so far. */
function setFields<Native>(
  { req, res }: Exchange<Native>,
  styles: NonNullable<Exclude<RateLimitOptions<Native>['headers'], false>>,
  standings: readonly Standing[],
): void {
  if (res.headersSent) return
  for (const style of styles) {
    const told = style === 'draft-11' ? standings : requestState(req).limits.standings()
    for (const [name, value] of Object.entries(limitFields([style], told)))
      res.setHeader(name, joinFields(res.getHeader(name), name, value))
  }
}

function answer<Native>(
  exchange: Exchange<Native>,
  { status, body }: Problem,
  retryAfter: number | undefined,
): 'answered' {
  if (exchange.res.headersSent)
    throw new MemorywareError(
      'ERR_HEADERS_SENT',
      'A limit refuses a request whose response has begun: mount it before what answers',
    )
  const fields: Fields = {
    'Content-Type': 'application/problem+json',
    'Cache-Control': 'no-store',
    ...(retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) }),
  }
  exchange.answer(status, fields, body)
  return 'answered'
}

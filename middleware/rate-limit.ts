import type { ServerResponse } from 'node:http'
import { withValue } from '../lib/awaitable.ts'
import { MemorywareError, UsageError } from '../lib/errors.ts'
import type { Demand } from '../lib/limit/demand.ts'
import { fixedWindow, isWhole } from '../lib/limit/fixed.ts'
import {
  joinFields,
  limitFields,
  listFields,
  policyField,
  stateField,
} from '../lib/limit/header-fields.ts'
import { type Limiter, limiterOf } from '../lib/limit/limiter.ts'
import { type Asked, type Counted, createMeter, type Metered } from '../lib/limit/meter.ts'
import { type Problem, quotaExceeded, reducedCapacity } from '../lib/limit/problem.ts'
import type { Reservation } from '../lib/limit/reservation.ts'
import type { CheckedRule, ResponseEnd } from '../lib/limit/rule.ts'
import type { Standing, Verdict } from '../lib/limit/verdict.ts'
import { publish } from '../lib/telemetry.ts'
import type { Composable, Exchange, Fields } from './exchange.ts'
import type { UserOf } from './identity.ts'
import { checkRateLimit, type RateLimitOptions } from './rate-limit-options.ts'
import type { Found } from './request-limits.ts'
import { requestDeadline, requestState } from './request-state.ts'
import { onResponseEnd } from './response-end.ts'
import { demandsOf } from './rule-demands.ts'
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
  const charge = single ? fixedWindow(store.budgets) : undefined
  const meter = createMeter(store, { onStoreError, charge })
  const names = rules.map(({ name }) => name)
  const refunding = rules.filter(({ refundIf }) => refundIf !== undefined)

  /** Lets handlers see what it came to. */
  function show(exchange: Exchange<Native>, found: Found): void {
    const { limits } = requestState(exchange.req)
    limits.add(found)
    exchange.attach('rateLimit', () => limits)
  }

  return {
    limiter: limiterOf(rules, store, meter),

    asks: [skip, ...rules.flatMap((rule) => askedOf(rule, user))].filter(isFunction),
    waits: (asked) => asked?.budgets instanceof Promise,

    prepare(exchange) {
      if (skip === undefined) return demandsOf(exchange, rules, user)
      return withValue(skip(exchange.native), (skipped) =>
        skipped ? undefined : demandsOf(exchange, rules, user),
      )
    },

    start(exchange, demands) {
      if (demands === undefined || demands.length === 0) return undefined
      return meter.ask(demands, requestDeadline(exchange.req, store))
    },

    finish(exchange, _demands, asked) {
      if (asked !== undefined)
        return withValue(meter.read(asked), (metered) => conclude(exchange, metered))
      // Nothing applies to this request.
      show(exchange, { names, standings: [], degraded: false })
      return 'next'
    },
  }

  function conclude(exchange: Exchange<Native>, metered: Metered): 'next' | 'answered' {
    if (metered.kind === 'counted') return counted(exchange, metered)
    show(exchange, { names, standings: [], degraded: true })
    return metered.kind === 'open' ? 'next' : answer(exchange, reducedCapacity(), 1)
  }

  function counted(
    exchange: Exchange<Native>,
    { verdict, reservation }: Counted,
  ): 'next' | 'answered' {
    const { standings, degraded } = verdict
    const refresh = () => {
      if (reservation && headers !== false) setFields(exchange, headers, reservation.standings())
    }
    show(exchange, { names, standings, reservation, degraded, refresh })
    if (reservation) watchEnd(exchange, refunding, reservation)
    if (headers !== false) setFields(exchange, headers, standings)
    if (onLimited && !verdict.clear)
      tell('onLimited', () => onLimited(exchange.native, verdict.decision))
    return verdict.allowed ? 'next' : refuse(exchange, verdict)
  }

  function refuse(exchange: Exchange<Native>, verdict: Verdict): 'answered' {
    // What limiters further out have reserved is not used.
    requestState(exchange.req).limits.spare()
    return answer(exchange, quotaExceeded(verdict), verdict.retryAfter)
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

/** Frees what the request has taken when its response is over. */
function watchEnd<Native>(
  { res, native }: Exchange<Native>,
  refunding: readonly CheckedRule<Native>[],
  reservation: Reservation,
): void {
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
    if (style === 'draft-11') {
      setLists(res, standings)
      continue
    }
    const told = requestState(req).limits.standings()
    const fields = limitFields([style], told)
    for (const name in fields) res.setHeader(name, fields[name] ?? '')
  }
}

function setLists(res: ServerResponse, standings: readonly Standing[]): void {
  const lists = listFields(standings)
  if (lists === undefined) return
  res.setHeader(policyField, joinFields(res.getHeader(policyField), policyField, lists.policy))
  res.setHeader(stateField, joinFields(res.getHeader(stateField), stateField, lists.state))
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
  }
  if (retryAfter !== undefined) fields['Retry-After'] = String(retryAfter)
  exchange.answer(status, fields, body)
  return 'answered'
}

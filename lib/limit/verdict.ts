import type { Budget } from '../ports/budgets.ts'

/** What a rule came to in one request. */
export interface Standing {
  readonly name: string
  readonly limit: number
  readonly windowMs: number
  readonly unit: string | undefined
  readonly budget: Budget
}

/** Where a request stands with one rule. */
export interface LimitStanding {
  readonly limit: number
  readonly used: number
  readonly remaining: number
  /** Seconds until more quota comes back. */
  readonly reset: number
}

/** What a limiter decided. */
export interface Decision {
  readonly allowed: boolean
  /** Decided in this process, because the store is away. */
  readonly degraded: boolean
  /** Every rule that applied. */
  readonly limits: Readonly<Record<string, LimitStanding>>
  /** Names of the rules that refused. */
  readonly violated: readonly string[]
  /** Seconds until the request could pass; `undefined` when it was allowed or never will pass. */
  readonly retryAfter: number | undefined
}

/** Sums up the standings of one request. */
export function decide(standings: readonly Standing[], degraded: boolean): Decision {
  const violated = standings.filter(({ budget }) => !budget.allowed)
  const waitMs = Math.max(
    0,
    ...violated.map(({ budget }) => Math.max(budget.retryMs, budget.resetMs)),
  )
  const waits = violated.length > 0 && Number.isFinite(waitMs)
  return {
    allowed: violated.length === 0,
    degraded,
    limits: Object.fromEntries(standings.map((each) => [each.name, standing(each)])),
    violated: violated.map(({ name }) => name),
    retryAfter: waits ? Math.max(1, inSeconds(waitMs)) : undefined,
  }
}

/** Whole seconds, never too few. */
export function inSeconds(ms: number): number {
  return Math.ceil(ms / 1000)
}

function standing({ limit, budget: { used, remaining, resetMs } }: Standing): LimitStanding {
  return { limit, used, remaining, reset: inSeconds(resetMs) }
}

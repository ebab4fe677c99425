import type { Algorithm, Budget } from '../ports/budgets.ts'

/** What a rule came to in one request. */
export interface Standing {
  readonly name: string
  readonly algorithm: Algorithm
  readonly limit: number
  readonly windowMs: number
  readonly unit: string | undefined
  /** It is only watched: it refuses nobody, and clients are not told of it. */
  readonly shadow: boolean
  readonly budget: Budget
}

/** Where a request stands with one rule. */
export interface LimitStanding {
  readonly limit: number
  /** Above `limit` where a settlement became debt. */
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
  /** Refused from what this process remembered of an earlier refusal, without asking the store. */
  readonly remembered: boolean
  /** Every rule that applied; where a refusal was remembered, those it knew. */
  readonly limits: Readonly<Record<string, LimitStanding>>
  /** Names of the rules that refused. */
  readonly violated: readonly string[]
  /** Of these, the rules that have blocked the caller. */
  readonly blocked: readonly string[]
  /** Names of the rules in shadow mode that would have refused. */
  readonly shadowed: readonly string[]
  /** Seconds until the request could pass; `undefined` when it was allowed or never will pass. */
  readonly retryAfter: number | undefined
}

/** How it was decided. */
export interface Circumstances {
  /** @default false */
  readonly degraded?: boolean
  /** @default false */
  readonly remembered?: boolean
}

/** What the standings of one request come to. The whole decision is made for who asks for it. */
export class Verdict {
  readonly standings: readonly Standing[]
  /** Every rule has room, those in shadow mode as well. */
  readonly clear: boolean
  readonly allowed: boolean
  readonly #circumstances: Circumstances
  #decision: Decision | undefined

  constructor(standings: readonly Standing[], circumstances: Circumstances = {}) {
    this.standings = standings
    this.clear = standings.every(hasRoom)
    this.allowed = this.clear || !standings.some(refuses)
    this.#circumstances = circumstances
  }

  get degraded(): boolean {
    return this.#circumstances.degraded === true
  }

  /** Names of the rules that refused. */
  get violated(): readonly string[] {
    return names(this.standings.filter(refuses))
  }

  /** Seconds until the request could pass; `undefined` when it was allowed or never will pass. */
  get retryAfter(): number | undefined {
    if (this.allowed) return undefined
    let waitMs = 0
    for (const each of this.standings) if (refuses(each)) waitMs = Math.max(waitMs, waitOf(each))
    return Number.isFinite(waitMs) ? Math.max(1, inSeconds(waitMs)) : undefined
  }

  get decision(): Decision {
    this.#decision ??= this.#decided()
    return this.#decision
  }

  #decided(): Decision {
    const { standings, allowed, violated, retryAfter } = this
    const { degraded = false, remembered = false } = this.#circumstances
    const blocked = standings.filter((each) => refuses(each) && each.budget.blockedMs > 0)
    const shadowed = standings.filter((each) => each.shadow && !hasRoom(each))
    const told = { blocked: names(blocked), shadowed: names(shadowed), retryAfter }
    const limits = standingsByName(standings)
    return { allowed, degraded, remembered, limits, violated, ...told }
  }
}

function hasRoom({ budget }: Standing): boolean {
  return budget.allowed
}

function refuses({ budget, shadow }: Standing): boolean {
  return !budget.allowed && !shadow
}

/** Sums up the standings of one request. */
export function decide(standings: readonly Standing[], circumstances?: Circumstances): Decision {
  return new Verdict(standings, circumstances).decision
}

/** Where each rule stands, by name. */
export function standingsByName(
  standings: readonly Standing[],
): Readonly<Record<string, LimitStanding>> {
  return Object.fromEntries(standings.map((each) => [each.name, standingOf(each)]))
}

/** Whole seconds, never too few. */
export function inSeconds(ms: number): number {
  return Math.ceil(ms / 1000)
}

// A slot comes back when somebody is done, long before a lease ends: worth another look soon.
const slotMs = 1000

function waitOf({ algorithm, budget }: Standing): number {
  const { retryMs, resetMs, blockedMs } = budget
  if (algorithm !== 'concurrency') return Math.max(retryMs, resetMs)
  return Number.isFinite(retryMs) ? Math.max(Math.min(retryMs, slotMs), blockedMs) : retryMs
}

function standingOf({ limit, budget: { used, remaining, resetMs } }: Standing): LimitStanding {
  return { limit, used, remaining, reset: inSeconds(resetMs) }
}

function names(standings: readonly Standing[]): readonly string[] {
  return standings.map(({ name }) => name)
}

import type { Awaitable } from '../awaitable.ts'
import type { Call, Deadline } from '../deadline.ts'
import { StoreError } from '../errors.ts'
import type { Budget, Budgets, Charge } from '../ports/budgets.ts'
import { chargeNowOf } from '../ports/charge-now.ts'
import { type LimitEvent, publish } from '../telemetry.ts'
import { type Demand, isImpossible, standingOf } from './demand.ts'
import { refusalsOf } from './refusals.ts'
import { Reservation } from './reservation.ts'
import { type Decision, decide, type Standing, Verdict } from './verdict.ts'

/** What limits are counted on. */
export interface LimitStore {
  readonly budgets: Budgets
  /** Counts in this process while the store is away. */
  readonly insurance: Budgets
  deadline(): Deadline
}

/** What holds while the store is away. */
export type StoreErrorPolicy = 'local' | 'open' | 'error'

/** Demands on their way to the store. */
export interface Asked {
  readonly demands: readonly Demand[]
  /** Milliseconds of this process's own clock. */
  readonly at: number
  /** Budgets in the order of the demands that are asked of; at once where they are in this process. */
  readonly budgets: Awaitable<readonly Budget[]> | undefined
  /** What this process knows to be refused; some budgets may not be known. */
  readonly remembered: readonly (Budget | undefined)[] | undefined
}

/** Demands that were counted, or known to be refused. */
export interface Counted {
  readonly kind: 'counted'
  readonly verdict: Verdict
  /** Of a request that passes. */
  readonly reservation: Reservation | undefined
}

/** What came of the demands of one request. */
export type Metered =
  | Counted
  /** The store is away, and everything passes. */
  | { readonly kind: 'open' }
  /** The store is away, and nothing passes. */
  | { readonly kind: 'away'; readonly error: StoreError }

/** Counts the demands of requests. */
export interface Meter {
  /** Sends the demands, without waiting. */
  ask(demands: readonly Demand[], deadline: Deadline): Asked
  /** Waits for what was asked, and decides; at once where nothing was asked of the store. */
  read(asked: Asked): Awaitable<Metered>
  /** Decides without taking anything. @throws StoreError */
  peek(demands: readonly Demand[]): Promise<Decision>
}

/** How budgets are charged. */
export type Charging = (charges: readonly Charge[], call?: Call) => Awaitable<readonly Budget[]>

/** The store's own way to charge: without a promise where it has one. */
function chargingOn({ charge }: Budgets): Charging {
  const chargeNow = chargeNowOf(charge)
  if (chargeNow === undefined) return charge
  return (charges) => {
    try {
      return chargeNow(charges)
    } catch (error) {
      return Promise.reject(error)
    }
  }
}

/** Counts on a store. `charge` stands in for its own step. */
export function createMeter(
  store: LimitStore,
  {
    onStoreError,
    charge = chargingOn(store.budgets),
  }: { onStoreError: StoreErrorPolicy; charge?: Charging | undefined },
): Meter {
  const refusals = refusalsOf(store.budgets)

  function counted(
    budgets: Budgets,
    { demands, at }: Asked,
    asked: readonly Budget[],
    degraded: boolean,
  ): Metered {
    const found = withImpossible(demands, asked)
    const verdict = new Verdict(standingsOf(demands, found), degraded ? insured : undefined)
    if (!verdict.allowed && !degraded) refusals.remember(demands, found, at)
    const reservation = verdict.allowed ? new Reservation(budgets, demands, found) : undefined
    return { kind: 'counted', verdict, reservation }
  }

  async function failed(asked: Asked, error: unknown): Promise<Metered> {
    if (!(error instanceof StoreError)) throw error
    publish('error', () => ({ during: 'limit', error }))
    if (onStoreError === 'open') return { kind: 'open' }
    if (onStoreError === 'error') return { kind: 'away', error }
    const { insurance } = store
    const budgets = await asking(asked.demands, insurance, insurance.charge)
    return counted(insurance, asked, budgets ?? [], true)
  }

  /** What came of it. */
  async function answered(asked: Asked, coming: Promise<readonly Budget[]>): Promise<Metered> {
    let budgets: readonly Budget[]
    try {
      budgets = await coming
    } catch (error) {
      return tell(await failed(asked, error))
    }
    return tell(counted(store.budgets, asked, budgets, false))
  }

  return {
    ask(demands, deadline) {
      const remembered = refusals.find(demands)
      const at = performance.now()
      if (remembered) return { demands, at, remembered, budgets: undefined }
      const budgets = asking(demands, store.budgets, charge, deadline)
      return { demands, at, remembered, budgets }
    },

    read(asked) {
      const { demands, budgets, remembered } = asked
      if (budgets instanceof Promise) return answered(asked, budgets)
      if (budgets) return tell(counted(store.budgets, asked, budgets, false))
      if (remembered === undefined) return tell(counted(store.budgets, asked, [], false))
      const found = demands.map((demand, at) => judged(demand, remembered[at]))
      const verdict = new Verdict(standingsOf(demands, found), known)
      return tell({ kind: 'counted', verdict, reservation: undefined })
    },

    async peek(demands) {
      const budgets = await asking(demands, store.budgets, store.budgets.peek)
      return decide(standingsOf(demands, withImpossible(demands, budgets ?? [])))
    },
  }
}

const insured = { degraded: true }
const known = { remembered: true }

function tell(metered: Metered): Metered {
  publish('limit', () => eventOf(metered))
  return metered
}

/** What is told of a decision. */
function eventOf(metered: Metered): LimitEvent {
  if (metered.kind === 'counted') return metered.verdict.decision
  return { ...decide([], { degraded: true }), allowed: metered.kind === 'open' }
}

/**
 * Asks for what is wanted. Where something can never pass, nothing is taken: the budgets are only
 * looked at.
 */
function asking(
  demands: readonly Demand[],
  budgets: Budgets,
  charge: Charging,
  deadline?: Deadline,
): Awaitable<readonly Budget[]> | undefined {
  const impossible = demands.some(isImpossible)
  const refused =
    impossible && demands.some((demand) => isImpossible(demand) && !demand.rule.shadow)
  const charges = impossible ? chargesBeside(demands, refused) : demands.map(chargeOf)
  if (charges.length === 0) return undefined
  const call = deadline === undefined ? undefined : { deadline }
  const asked = refused ? budgets.peek(charges, call) : charge(charges, call)
  // Whoever reads it hears of a failure; one that is never read is nobody's concern.
  if (asked instanceof Promise) asked.catch(() => undefined)
  return asked
}

function chargeOf({ charge }: Demand): Charge {
  return charge
}

/** What is asked for where something can never pass: a limit of 0 is not. */
function chargesBeside(demands: readonly Demand[], refused: boolean): readonly Charge[] {
  return demands.flatMap((demand) => {
    if (demand.charge.limit === 0) return []
    return refused || isImpossible(demand) ? { ...demand.charge, cost: 0 } : demand.charge
  })
}

/** The budgets of all demands: a limit of 0 was not asked for. */
function withImpossible(demands: readonly Demand[], asked: readonly Budget[]): readonly Budget[] {
  if (!demands.some(isImpossible)) return asked
  const budgets = asked.values()
  return demands.map((demand) => {
    const budget = demand.charge.limit === 0 ? nothing : budgets.next().value
    return judged(demand, budget) as Budget
  })
}

/** What can never pass is refused, whatever its budget holds. */
function judged(demand: Demand, budget: Budget | undefined): Budget | undefined {
  if (!isImpossible(demand)) return budget
  return { ...(budget ?? nothing), allowed: false, retryMs: Number.POSITIVE_INFINITY, mark: 0 }
}

const nothing: Budget = {
  allowed: false,
  used: 0,
  remaining: 0,
  resetMs: 0,
  retryMs: Number.POSITIVE_INFINITY,
  blockedMs: 0,
  mark: 0,
}

function standingsOf(
  demands: readonly Demand[],
  budgets: readonly (Budget | undefined)[],
): readonly Standing[] {
  const standings: Standing[] = []
  let at = 0
  for (const demand of demands) {
    const budget = budgets[at]
    if (budget !== undefined) standings.push(standingOf(demand, budget))
    at += 1
  }
  return standings
}

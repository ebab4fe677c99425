import { StoreError, UsageError } from '../errors.ts'
import type { Budget, Budgets, Settlement } from '../ports/budgets.ts'
import { publish } from '../telemetry.ts'
import { isCost, largest } from './amount.ts'
import { type Demand, standingOf } from './demand.ts'
import { leasesOf } from './leases.ts'
import { refusalsOf } from './refusals.ts'
import { type TokenCount, tokenCount } from './token-count.ts'
import { totalOf } from './usage.ts'
import type { Standing } from './verdict.ts'

/** What a request has taken from one budget. */
interface Taken extends Demand {
  /** Of a budget whose window goes on; else 0. */
  mark: number
  budget: Budget
  /** What counts now. */
  charged: number
  /** Whether what it really cost was told. */
  settled: boolean
}

/**
 * What one request has taken: it can be corrected once the cost is known, and given back. Settling
 * is like setting a value: the last amount told holds, and telling it again changes nothing.
 */
export class Reservation {
  readonly #budgets: Budgets
  readonly #demands: readonly Demand[]
  readonly #charged: readonly Budget[]
  #changing: readonly Taken[] | undefined
  #queue = idle
  #tokens: TokenCount | undefined

  /** `budgets` are those that were charged; one element a demand. */
  constructor(budgets: Budgets, demands: readonly Demand[], charged: readonly Budget[]) {
    this.#budgets = budgets
    this.#demands = demands
    this.#charged = charged
    if (!demands.some(isHeld)) return
    for (const { charge, charged } of this.#taken) {
      const { key, lease, windowMs: leaseMs } = charge
      if (lease !== undefined && charged > 0) leasesOf(budgets).hold({ key, lease, leaseMs })
    }
  }

  /** Most requests are never corrected. */
  get #taken(): readonly Taken[] {
    this.#changing ??= this.#demands.map((demand, at) => taken(demand, this.#charged[at] as Budget))
    return this.#changing
  }

  /** Where each rule stands, after what was settled. */
  standings(): readonly Standing[] {
    return this.#taken.map((each) => standingOf(each, each.budget))
  }

  /** Whether it must learn how the request ends. */
  get ends(): boolean {
    return (
      this.#demands.some((each) => each.reserves || isHeld(each)) &&
      this.#taken.some((each) => each.charged > 0 && (each.reserves || isHeld(each)))
    )
  }

  /** Puts what it really cost in the place of what was charged. Rules that did not apply are passed over. */
  async settle(used: Readonly<Record<string, number>>): Promise<void> {
    const changes = new Map<Taken, number>()
    for (const [name, cost] of Object.entries(used)) {
      const each = this.#taken.find(({ rule }) => rule.name === name)
      if (each?.charge.lease !== undefined)
        throw new UsageError(`The limit ${name} counts requests under way: release() ends one`)
      if (!isCost(cost))
        throw new UsageError(
          `What ${name} is settled at must be a whole number from 0 to ${largest}, got ${String(cost)}`,
        )
      if (each) changes.set(each, cost)
    }
    for (const each of changes.keys()) each.settled = true
    await this.#change(changes)
  }

  /** Settles the rules that count tokens, where `usage` tells of any. */
  async settleUsage(usage: unknown): Promise<boolean> {
    this.#tokens ??= tokenCount()
    const told = this.#tokens.take(usage)
    if (told === undefined) return false
    const amounts = new Map([
      ['tokens', totalOf(told)],
      ['input-tokens', told.input],
      ['output-tokens', told.output],
    ])
    const used = this.#taken.flatMap(({ rule: { name, unit = '' } }) => {
      const amount = amounts.get(unit)
      return amount === undefined ? [] : [[name, amount] as const]
    })
    await this.settle(Object.fromEntries(used))
    return used.length > 0
  }

  /** Frees slots, and gives back what was reserved and never settled. */
  async release(): Promise<void> {
    await this.giveBack(({ reserves, settled }) => reserves && !settled)
  }

  /** Frees slots, and gives back what `which` says. */
  async giveBack(which: (taken: Readonly<Taken>) => boolean): Promise<void> {
    const leases = leasesOf(this.#budgets)
    const changes = new Map<Taken, number>()
    for (const each of this.#taken) {
      const { lease } = each.charge
      if (lease !== undefined) leases.drop(lease)
      if (lease !== undefined || which(each)) changes.set(each, 0)
    }
    await this.#change(changes)
  }

  /** One change after the other: each begins with what the one before has left. */
  #change(changes: ReadonlyMap<Taken, number>): Promise<void> {
    if (changes.size === 0) return this.#queue
    const written = this.#queue.then(() => this.#write(changes))
    this.#queue = written.catch(() => undefined)
    return written
  }

  async #write(changes: ReadonlyMap<Taken, number>): Promise<void> {
    const open = [...changes].filter(([each, cost]) => cost !== each.charged && each.mark !== 0)
    if (open.length === 0) return
    publish('settle', () => ({
      limits: Object.fromEntries(
        open.map(([{ rule, charged }, cost]) => [rule.name, { charged, cost }]),
      ),
    }))
    try {
      const budgets = await this.#budgets.settle(open.map(settlement))
      for (const [at, [each, cost]] of open.entries()) {
        each.budget = budgets[at] ?? each.budget
        each.mark = each.budget.mark
        each.charged = cost
      }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      publish('error', () => ({ during: 'settle', error }))
      // What may have been given back is not given back again; a debt may be told again.
      for (const [each, cost] of open)
        if (error.outcome === 'unknown' && cost < each.charged) each.charged = cost
    }
    refusalsOf(this.#budgets).forget(open.map(([{ charge }]) => charge.key))
  }
}

const idle = Promise.resolve()

/** Whether it takes a slot, which is held until it is given back. */
function isHeld({ charge }: Demand): boolean {
  return charge.lease !== undefined
}

function taken({ rule, reserves, charge }: Demand, budget: Budget): Taken {
  const { mark } = budget
  const charged = mark === 0 ? 0 : charge.cost
  return { rule, reserves, charge, mark, budget, charged, settled: false }
}

function settlement([{ charge, mark, charged }, cost]: readonly [Taken, number]): Settlement {
  const { key, algorithm, limit, windowMs, burst, lease } = charge
  return { key, algorithm, limit, windowMs, burst, lease, mark, charged, cost }
}

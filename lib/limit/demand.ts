import { blockKey, limitKey } from '../keys.ts'
import type { Budget, Charge } from '../ports/budgets.ts'
import type { CheckedRule } from './rule.ts'
import type { Standing } from './verdict.ts'

/** What one request asks of one rule. */
export interface Demand {
  readonly rule: Omit<CheckedRule<never>, 'limit' | 'key' | 'cost' | 'refundIf'>
  /** What it takes is an estimate, given back where the work fails. */
  readonly reserves: boolean
  readonly charge: Charge
}

/** How much a request asks for, and of whom it is counted. */
export interface DemandBounds {
  /** `user~ann` */
  readonly partition: string
  readonly limit: number
  readonly cost: number
  /** @default what the rule says */
  readonly reserves?: boolean
}

/** Makes the demand of one request on one rule. */
export function demandOf(
  rule: Demand['rule'],
  { partition, limit, cost, reserves = rule.reserves }: DemandBounds,
): Demand {
  const { name, algorithm, windowMs, burst, shadow, block } = rule
  const slot = algorithm === 'concurrency'
  return {
    rule,
    reserves,
    charge: {
      key: limitKey(partition, name, rule.shape),
      algorithm,
      limit,
      windowMs,
      cost: slot ? Math.min(cost, 1) : cost,
      burst,
      shadow,
      lease: slot ? leaseName() : undefined,
      block: { key: blockKey(partition, name), ...block },
    },
  }
}

/** Where a request stands with the rule of a demand. */
export function standingOf({ rule, charge }: Demand, budget: Budget): Standing {
  const { name, algorithm, windowMs, unit, shadow } = rule
  return { name, algorithm, limit: charge.limit, windowMs, unit, shadow, budget }
}

/** Whether a demand can never pass, however long it waits. */
export function isImpossible({ charge: { cost, limit, burst = limit } }: Demand): boolean {
  return limit === 0 || cost > burst
}

const ours = crypto.randomUUID()
let slots = 0

/** Names a slot, apart from all others of all processes. */
function leaseName(): string {
  slots += 1
  return `${ours}:${slots.toString(36)}`
}

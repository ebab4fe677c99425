import { LRUCache } from 'lru-cache'
import { type Awaitable, isLater, withValue } from '../lib/awaitable.ts'
import { UsageError } from '../lib/errors.ts'
import { checkedCost, isLimit, limitMessage } from '../lib/limit/amount.ts'
import { type Demand, type DemandBounds, demandOf } from '../lib/limit/demand.ts'
import type { CheckedRule } from '../lib/limit/rule.ts'
import type { Exchange } from './exchange.ts'
import { signedIn, type UserOf } from './identity.ts'
import { partitionOf } from './partition.ts'

/**
 * What a request asks of each rule that applies to it; at once, where no function of the application
 * must be waited for.
 *
 * @throws RequestError 400 for a key that cannot name anything, UsageError for what a function told
 * that cannot be a key, a limit or a cost.
 */
export function demandsOf<Native>(
  exchange: Exchange<Native>,
  rules: readonly CheckedRule<Native>[],
  user: UserOf<Native> | undefined,
): Awaitable<readonly Demand[]> {
  let signed: Awaitable<string | undefined> | undefined
  let asked = false
  const who = () => {
    if (!asked) signed = signedIn(exchange, user)
    asked = true
    return signed
  }
  const demands: Demand[] = []
  let place = 0
  for (const rule of rules) {
    place += 1
    const each = demand(exchange, rule, who)
    if (isLater(each)) {
      // Asked at once: none of these functions waits for another.
      const others = rules.slice(place).map(async (other) => demand(exchange, other, who))
      return joined(demands, [each, ...others])
    }
    if (each !== undefined) demands.push(each)
  }
  return demands
}

async function joined(
  known: readonly Demand[],
  later: readonly Promise<Demand | undefined>[],
): Promise<readonly Demand[]> {
  const others = await Promise.all(later)
  return [...known, ...others.filter((each) => each !== undefined)]
}

function demand<Native>(
  exchange: Exchange<Native>,
  rule: CheckedRule<Native>,
  who: () => Awaitable<string | undefined>,
): Awaitable<Demand | undefined> {
  const partition = partitionOf(exchange, rule, who)
  if (partition === undefined) return undefined
  if (typeof partition === 'string') return demandOn(exchange.native, rule, partition)
  return withValue(partition, (found) =>
    found === undefined ? undefined : demandOn(exchange.native, rule, found),
  )
}

function demandOn<Native>(
  native: Native,
  rule: CheckedRule<Native>,
  partition: string,
): Awaitable<Demand | undefined> {
  const { limit, cost } = rule
  // Numbers are checked when mounting.
  if (typeof limit === 'number' && typeof cost === 'number')
    return Number.isFinite(limit) ? lastingDemand(rule, { partition, limit, cost }) : undefined
  const told = typeof rule.limit === 'function' ? rule.limit(native, partition) : rule.limit
  return withValue(told, (limit) => {
    if (!isLimit(limit)) throw new UsageError(limitMessage(rule.name, limit))
    if (limit === Number.POSITIVE_INFINITY) return undefined
    return withValue(typeof rule.cost === 'function' ? rule.cost(native) : rule.cost, (cost) =>
      demandOf(rule, { partition, limit, cost: checkedCost(rule.name, cost) }),
    )
  })
}

const most = 4096
const lasting = new WeakMap<object, LRUCache<string, Demand>>()

/**
 * What a caller asks of a rule each time: those who come again and again are not worked out anew. It is
 * frozen: what a provider of the application's own changed in it would be asked for from then on.
 */
function lastingDemand(rule: Demand['rule'], bounds: DemandBounds): Demand {
  // Each request has a slot of its own.
  if (rule.algorithm === 'concurrency') return demandOf(rule, bounds)
  let demands = lasting.get(rule)
  if (demands === undefined) {
    demands = new LRUCache({ max: most })
    lasting.set(rule, demands)
  }
  const known = demands.get(bounds.partition)
  if (known !== undefined) return known
  const made = demandOf(rule, bounds)
  for (const part of [made, made.charge, made.charge.block]) Object.freeze(part)
  demands.set(bounds.partition, made)
  return made
}

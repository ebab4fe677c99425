import type { Budget, Budgets, Charge } from '../../ports/budgets.ts'
import type { Connection } from './client.ts'
import { run } from './script.ts'
import { charge } from './scripts/charge.ts'
import { count } from './scripts/count.ts'

// Counting twice would refuse somebody who is within the limit: what may have been counted is not repeated.
const once = { again: false }

/** Budgets on Redis, each call one script on the server's clock. */
export function redisBudgets({ send }: Connection): Budgets {
  return {
    async charge(charges, call) {
      const distinct = merged(charges)
      const keys = [...distinct.keys()]
      const args = [...distinct.values()].flatMap((each) => [
        each.algorithm === 'fixed' ? 'f' : 's',
        each.limit,
        each.windowMs,
        each.cost,
      ])
      const budgets = await send('charge', (client) => run(client, charge, keys, args), once, call)
      const byKey = new Map(keys.map((key, at) => [key, budgets[at]]))
      return charges.map(({ key }) => byKey.get(key) as Budget)
    },
    count: (key, by, { limit, windowMs }, call) =>
      send('count', (client) => run(client, count, [key], [by, limit, windowMs]), once, call),
    clear: async (keys, call) => {
      if (keys.length > 0)
        await send('clear', (client) => client.unlink(...keys), { again: true }, call)
    },
  }
}

/** Charges on one key count together. */
function merged(charges: readonly Charge[]): Map<string, Charge> {
  const distinct = new Map<string, Charge>()
  for (const each of charges) {
    const known = distinct.get(each.key)
    distinct.set(each.key, known ? { ...known, cost: known.cost + each.cost } : each)
  }
  return distinct
}

import type { Budget, Budgets, Charge } from '../../ports/budgets.ts'
import type { Keyspace } from './keyspace.ts'
import type { Share } from './shelf.ts'
import { live, type Mark, marked, returned, sum } from './sliding.ts'

interface CounterCell {
  readonly kind: 'counter'
  readonly bytes: number
  readonly count: number
}

interface MarksCell {
  readonly kind: 'marks'
  readonly bytes: number
  readonly marks: readonly Mark[]
}

/** A budget as it is now. Times are milliseconds since 1970. */
interface Tally {
  readonly used: number
  /** When the oldest used part comes back. */
  readonly resetAt: number
  /** When this much more has come back. */
  backAt(amount: number): number
  /** Writes the charge; gives the budget as it is then. */
  spend(): Tally
}

// Objects and array slots, on Node 20.
const counterBytes = 40
const marksBytes = 180
const markBytes = 80

/** Budgets in this process; a full shelf forgets the budget that was not looked at for longest. */
export function embeddedBudgets(keyspace: Keyspace, share: Share): Budgets {
  const { now } = keyspace
  const shelf = keyspace.shelf<CounterCell | MarksCell>(share)

  function sliding(charge: Charge, at: number): Tally {
    const stored = shelf.get('charge', charge.key, 'marks')?.cell.marks ?? []
    const marks = live(stored, at)
    return {
      used: sum(marks),
      resetAt: marks[0]?.until ?? at,
      backAt: (amount) => returned(marks, amount),
      spend() {
        const next = marked(marks, charge, at)
        const bytes = marksBytes + next.length * markBytes
        const endsAt = next.at(-1)?.until ?? at
        shelf.put('charge', charge.key, { kind: 'marks', bytes, marks: next }, endsAt)
        return sliding(charge, at)
      },
    }
  }

  function putCount(operation: string, key: string, count: number, endsAt: number): void {
    shelf.put(operation, key, { kind: 'counter', bytes: counterBytes, count }, endsAt)
  }

  function fixed(charge: Charge, at: number): Tally {
    const { key, windowMs, cost } = charge
    const held = shelf.get('charge', key, 'counter')
    const used = held?.cell.count ?? 0
    return {
      used,
      resetAt: held?.expiresAt ?? at,
      backAt: () => held?.expiresAt ?? Number.POSITIVE_INFINITY,
      spend() {
        putCount('charge', key, used + cost, held?.expiresAt ?? at + windowMs)
        return fixed(charge, at)
      },
    }
  }

  function tally(charge: Charge, at: number): Tally {
    return charge.algorithm === 'fixed' ? fixed(charge, at) : sliding(charge, at)
  }

  return {
    async charge(charges) {
      const at = now()
      const budgets = new Map<string, Budget>()
      const states = merged(charges).map((charge) => ({ charge, before: tally(charge, at) }))
      const passes = states.every(({ charge, before }) => hasRoom(charge, before))
      for (const { charge, before } of states) {
        const after = passes && charge.cost > 0 ? before.spend() : before
        budgets.set(charge.key, report(charge, before, after, at))
      }
      return charges.map(({ key }) => budgets.get(key) as Budget)
    },

    async count(key, by, { limit, windowMs }) {
      const at = now()
      const held = shelf.get('count', key, 'counter')
      const count = (held?.cell.count ?? 0) + by
      const added = count <= limit && by !== 0
      const endsAt = held?.expiresAt ?? (added ? at + windowMs : at)
      if (added) putCount('count', key, count, endsAt)
      return { count, ttlMs: endsAt - at }
    },

    async clear(keys) {
      for (const key of keys) keyspace.remove(key)
    },
  }
}

/** Charges on one key count together. */
function merged(charges: readonly Charge[]): readonly Charge[] {
  const distinct = new Map<string, Charge>()
  for (const charge of charges) {
    const known = distinct.get(charge.key)
    distinct.set(charge.key, known ? { ...known, cost: known.cost + charge.cost } : charge)
  }
  return [...distinct.values()]
}

function hasRoom({ limit, cost }: Charge, { used }: Tally): boolean {
  return used + cost <= limit
}

function report(charge: Charge, before: Tally, after: Tally, at: number): Budget {
  const { limit, cost } = charge
  const allowed = hasRoom(charge, before)
  const missing = before.used + cost - limit
  return {
    allowed,
    used: after.used,
    remaining: Math.max(0, limit - after.used),
    resetMs: after.resetAt - at,
    retryMs: retryMs(),
  }

  function retryMs(): number {
    if (allowed) return 0
    return cost > limit ? Number.POSITIVE_INFINITY : before.backAt(missing) - at
  }
}

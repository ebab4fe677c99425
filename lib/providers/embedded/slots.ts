import type { BudgetRule, Settlement } from '../../ports/budgets.ts'
import type { Settled, SlotsCell, Tally } from './tally.ts'

// A map, and an entry of it besides its name. Measured on Node 20.
const cellBytes = 64
const slotBytes = 64

/** Slots that are held until they are given back, or their lease ends; one name holds one. */
export function slotsTally(
  cell: SlotsCell | undefined,
  rule: BudgetRule,
  { at, leases }: { at: number; leases: readonly string[] },
): Tally {
  return endsTally([...(cell?.ends ?? [])].filter(([, endsAt]) => endsAt > at))

  function endsTally(live: readonly (readonly [string, number])[]): Tally {
    const ends = new Map(live)
    const used = ends.size
    const times = [...ends.values()].sort((one, other) => one - other)
    const leftMs = (place: number) => (times[place] ?? at) - at

    function settled({ lease = '', cost }: Settlement): Settled | undefined {
      const held = ends.get(lease)
      if (held === undefined) return undefined
      if (cost > 0) return { tally, mark: held }
      return { tally: endsTally(live.filter(([name]) => name !== lease)), mark: 0 }
    }

    const tally: Tally = {
      used,
      remaining: Math.max(0, rule.limit - used),
      resetMs: used > 0 ? leftMs(Math.max(0, used - rule.limit)) : 0,
      mark: at + rule.windowMs,
      waitMs(cost) {
        const wanted = cost > 0 ? leases.filter((lease) => !ends.has(lease)).length : 0
        const missing = used + wanted - rule.limit
        if (missing <= 0 || (cost > 0 && wanted === 0)) return 0
        return wanted > rule.limit ? Number.POSITIVE_INFINITY : leftMs(missing - 1)
      },
      charged: () =>
        endsTally([...live, ...leases.map((lease) => [lease, at + rule.windowMs] as const)]),
      settled,
      kept() {
        const endsAt = times.at(-1)
        return endsAt === undefined ? undefined : { cell: slotsCell(ends), endsAt }
      },
    }
    return tally
  }
}

function slotsCell(ends: ReadonlyMap<string, number>): SlotsCell {
  let bytes = cellBytes
  for (const lease of ends.keys()) bytes += slotBytes + 2 * lease.length
  return { kind: 'slots', bytes, ends }
}

import type { Budgets, Lease } from '../ports/budgets.ts'
import { publish } from '../telemetry.ts'

interface Held extends Lease {
  renewedAt: number
}

// A timer that is set to more goes off at once, again and again.
const longestMs = 2 ** 31 - 1

/** The slots that this process holds, renewed by one timer until they are dropped. */
export class Leases {
  readonly #held = new Map<string, Held>()
  readonly #budgets: Budgets
  #timer: NodeJS.Timeout | undefined
  #everyMs = Number.POSITIVE_INFINITY

  constructor(budgets: Budgets) {
    this.#budgets = budgets
  }

  /** A slot that was just taken. */
  hold(lease: Lease): void {
    this.#held.set(lease.lease, { ...lease, renewedAt: performance.now() })
    const everyMs = Math.min(Math.ceil(lease.leaseMs / 6), longestMs)
    if (everyMs < this.#everyMs) this.#start(everyMs)
  }

  /** A slot that is given back. */
  drop(lease: string): void {
    this.#held.delete(lease)
    if (this.#held.size === 0) this.#stop()
  }

  #start(everyMs: number): void {
    this.#stop()
    this.#everyMs = everyMs
    this.#timer = setInterval(() => this.#renew(), everyMs)
    this.#timer.unref()
  }

  #stop(): void {
    clearInterval(this.#timer)
    this.#everyMs = Number.POSITIVE_INFINITY
  }

  // At a third of its time: two renewals may fail before a slot is lost.
  #renew(): void {
    const now = performance.now()
    const due = [...this.#held.values()].filter(
      ({ renewedAt, leaseMs }) => now - renewedAt >= leaseMs / 3 - this.#everyMs / 2,
    )
    if (due.length === 0) return
    for (const each of due) each.renewedAt = now
    const leases = due.map(({ key, lease, leaseMs }) => ({ key, lease, leaseMs }))
    this.#budgets.renew(leases).catch((error: unknown) => {
      publish('error', () => ({ during: 'lease renewal', error }))
    })
  }
}

const known = new WeakMap<Budgets, Leases>()

/** The slots held on these budgets. */
export function leasesOf(budgets: Budgets): Leases {
  const leases = known.get(budgets) ?? new Leases(budgets)
  known.set(budgets, leases)
  return leases
}

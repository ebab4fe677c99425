import type { Budget, Budgets, Charge } from './budgets.ts'

/** Charges without a promise: all or none, as `charge` does. @throws StoreError */
export type ChargeNow = (charges: readonly Charge[]) => readonly Budget[]

// By the method, not on the port: who puts another `charge` in its place is not passed by.
const known = new WeakMap<Budgets['charge'], ChargeNow>()

/** Makes `charge` of budgets in this process, where nothing is waited for. */
export function chargingNow(now: ChargeNow): Budgets['charge'] {
  const charge: Budgets['charge'] = async (charges) => now(charges)
  known.set(charge, now)
  return charge
}

/** How `charge` goes without a promise; `undefined` where it has to wait. */
export function chargeNowOf(charge: Budgets['charge']): ChargeNow | undefined {
  return known.get(charge)
}

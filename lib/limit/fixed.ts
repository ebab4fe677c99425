import type { Budgets } from '../ports/budgets.ts'

/** Whether one fixed window can be counted by rate-limiter-flexible: it knows whole seconds only. */
export function isWhole({ algorithm, windowMs }: { algorithm: string; windowMs: number }): boolean {
  return algorithm === 'fixed' && windowMs % 1000 === 0
}

/** Fixed windows. */
export function fixedWindow(budgets: Budgets): Budgets['charge'] {
  return budgets.charge
}

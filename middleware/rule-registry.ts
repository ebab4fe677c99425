import { OptionError } from '../lib/errors.ts'
import type { LimitStore } from '../lib/limit/meter.ts'
import { type CheckedRule, signature } from '../lib/limit/rule.ts'
import { notice } from '../lib/notice.ts'

const registered = new WeakMap<LimitStore['budgets'], Map<string, string>>()

/**
 * Notes the rules of a limiter: those of the same name on one store share a budget, which a notice
 * says once.
 *
 * @throws OptionError for a name that another limiter uses for another rule.
 */
export function register<Native>(store: LimitStore, rules: readonly CheckedRule<Native>[]): void {
  const known = registered.get(store.budgets) ?? new Map<string, string>()
  registered.set(store.budgets, known)
  for (const rule of rules) {
    const before = known.get(rule.name)
    if (before !== undefined && before !== signature(rule))
      throw new OptionError('rateLimit.name', 'a name of its own: another rule has it', rule.name)
    if (before !== undefined)
      notice(
        'MEMORYWARE_SHARED_LIMIT',
        `Two limiters have the rule ${rule.name}: they share one budget. Name them to keep them apart`,
      )
    known.set(rule.name, signature(rule))
  }
}

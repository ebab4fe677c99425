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
  // All before any: a limiter that is not made has no rules.
  const other = rules.find((rule) => (known.get(rule.name) ?? signature(rule)) !== signature(rule))
  if (other !== undefined)
    throw new OptionError('rateLimit.name', 'a name of its own: another rule has it', other.name)
  for (const rule of rules) {
    if (known.has(rule.name))
      notice(
        'MEMORYWARE_SHARED_LIMIT',
        `Two limiters have the rule ${rule.name}: they share one budget. Name them to keep them apart`,
      )
    known.set(rule.name, signature(rule))
  }
}

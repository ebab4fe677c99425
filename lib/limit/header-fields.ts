import { type Item, serializeList } from 'structured-headers'
import { inSeconds, type Standing } from './verdict.ts'

/**
 * The `RateLimit-Policy` and `RateLimit` fields of draft-ietf-httpapi-ratelimit-headers-11: RFC 9651
 * Lists of Strings with Integer parameters. A window that is not whole seconds has no `w`.
 */
export function rateLimitFields(standings: readonly Standing[]): Record<string, string> {
  if (standings.length === 0) return {}
  return {
    'RateLimit-Policy': serializeList(standings.map(policy)),
    RateLimit: serializeList(standings.map(state)),
  }
}

function policy({ name, limit, windowMs, unit }: Standing): Item {
  const parameters = new Map<string, number | string>([['q', limit]])
  if (windowMs % 1000 === 0) parameters.set('w', windowMs / 1000)
  if (unit !== undefined) parameters.set('memoryware-unit', unit)
  return [name, parameters]
}

function state({ name, budget }: Standing): Item {
  const parameters = new Map([['r', budget.remaining]])
  // Where nothing is used there is nothing to wait for.
  if (budget.resetMs > 0) parameters.set('t', inSeconds(budget.resetMs))
  return [name, parameters]
}

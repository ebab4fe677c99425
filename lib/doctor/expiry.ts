import type { Asked, KeySample } from '../ports/checkup.ts'
import { ok, unknown, type Verdict, warning } from './finding.ts'
import { kindOf } from './key-kind.ts'

/** Whether what the middlewares have written ends some day: kinds of keys, no names. */
export function expiry(sample: Asked<KeySample>): Verdict {
  if ('why' in sample)
    return unknown(`Keys cannot be looked at: ${sample.why}.`, 'Give the user `+scan` and `+pttl`.')
  const { looked, found } = sample.value
  const counts = new Map<string, number>()
  for (const { key, expires } of found) {
    const kind = kindOf(key)
    if (!expires && kind !== undefined) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  if (counts.size === 0) return ok(`Of ${looked} keys looked at, all of memoryware's end.`)
  const kinds = [...counts].map(([kind, count]) => `${count} (${kind})`).join(', ')
  return warning(
    `Of ${looked} keys looked at, some of memoryware's never end: ${kinds}.`,
    "Unless the sessions have `ttl: false`: store.expire(key, '1h') gives a key an end.",
  )
}

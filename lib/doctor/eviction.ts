import type { ServerFields } from '../ports/checkup.ts'
import { failure, ok, unknown, type Verdict, warning } from './finding.ts'

const fix = 'Set `maxmemory-policy noeviction`, and give the cache a server of its own.'

/** What the server drops when it is full. */
export function eviction(info: ServerFields): Verdict {
  const policy = info.get('maxmemory_policy')
  if (policy === undefined) return unknown('The server does not tell its maxmemory-policy.')
  if (policy === 'noeviction') return ok('maxmemory-policy is noeviction: nothing is dropped.')
  if (info.get('maxmemory') === '0')
    return ok(`maxmemory-policy is ${policy} and maxmemory is 0: nothing is dropped.`)
  if (policy === 'volatile-ttl')
    return ok(
      'maxmemory-policy is volatile-ttl: what ends first is dropped when Redis is full, right for a cache of its own; conversations want noeviction.',
    )
  const found = `maxmemory-policy is ${policy}: when full, Redis drops sessions, limits and purges without a word.`
  const evicted = Number(info.get('evicted_keys') ?? 0)
  if (evicted > 0) return failure(`${found.slice(0, -1)}; ${evicted} keys are gone already.`, fix)
  return warning(found, fix)
}

/** The same as a sentence that does not change while the server runs; nothing where all is well. */
export function evictionNotice(info: ServerFields): string | undefined {
  const { status, found, fix: todo } = eviction(new Map([...info, ['evicted_keys', '0']]))
  return status === 'warning' ? `${found} ${todo}` : undefined
}

import type { ServerFields } from '../ports/checkup.ts'
import { failure, ok, unknown, type Verdict, warning } from './finding.ts'

const nearlyFull = 0.9

/** Whether the server's memory has a bound, and how much is left. */
export function maxMemory(info: ServerFields): Verdict {
  const max = Number(info.get('maxmemory') ?? Number.NaN)
  const used = Number(info.get('used_memory') ?? Number.NaN)
  if (Number.isNaN(max) || Number.isNaN(used))
    return unknown('The server does not tell how much memory it has.')
  if (max === 0)
    return warning(
      `Redis has no maxmemory and uses ${mebibytes(used)}: it grows until the system ends it.`,
      'Set `maxmemory` to what the machine can spare.',
    )
  const found = `Redis uses ${mebibytes(used)} of ${mebibytes(max)} maxmemory.`
  const fix = 'Raise `maxmemory`, or shorten `ttl` or `maxStored`.'
  if (used >= max && info.get('maxmemory_policy') === 'noeviction')
    return failure(`${found.slice(0, -1)}: it is full, and writes fail.`, fix)
  return used >= max * nearlyFull ? warning(found, fix) : ok(found)
}

function mebibytes(bytes: number): string {
  return `${Math.max(1, Math.round(bytes / 1024 / 1024))} MiB`
}

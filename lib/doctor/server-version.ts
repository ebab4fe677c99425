import type { ServerFields } from '../ports/checkup.ts'
import { failure, ok, unknown, type Verdict } from './finding.ts'

const oldest = 7

/** Whether the server has the commands that are needed. */
export function serverVersion(info: ServerFields): Verdict {
  const valkey = info.get('valkey_version')
  if (valkey !== undefined) return ok(`Valkey ${valkey} has all that is needed.`)
  const version = info.get('redis_version')
  if (version === undefined) return unknown('The server does not tell its version.')
  if (Number.parseInt(version, 10) >= oldest) return ok(`Redis ${version} has all that is needed.`)
  return failure(
    `Redis ${version} is older than ${oldest}: commands that memoryware needs are not there.`,
    'Upgrade to Redis 7 or newer, or to Valkey.',
  )
}

import type { Asked, ServerFields } from '../ports/checkup.ts'
import { failure, ok, type Verdict, warning } from './finding.ts'

const turnOn =
  'Set `appendonly yes` and `appendfsync everysec` in redis.conf where conversations are kept; a cache needs neither.'

/** What is left after a restart of the server. */
export function persistence(info: ServerFields, settings: Asked<ServerFields>): Verdict {
  const broken = lastFailure(info)
  if (broken !== undefined)
    return failure(
      `${broken} failed: Redis refuses writes until one succeeds.`,
      'Look at its log, and at space and permissions of its `dir`.',
    )
  if (info.get('aof_enabled') === '1') return appendOnly(setting(settings, 'appendfsync'))
  const save = setting(settings, 'save')
  if (save === '')
    return warning('Neither AOF nor snapshots are on: a restart loses everything.', turnOn)
  const saves = save === undefined ? 'Perhaps snapshots' : `Snapshots (\`save ${save}\`)`
  return warning(`${saves} and no AOF: a restart loses what came after the last snapshot.`, turnOn)
}

function appendOnly(fsync: string | undefined): Verdict {
  if (fsync === 'no')
    return warning(
      'AOF is on with `appendfsync no`: a power cut loses what the system had not written yet.',
      'Set `appendfsync everysec`.',
    )
  if (fsync === undefined) return ok('AOF is on; how often it is synced is not told.')
  const loses = fsync === 'always' ? 'nothing' : 'at most the last second or two'
  return ok(`AOF is on with \`appendfsync ${fsync}\`: a power cut loses ${loses}.`)
}

function lastFailure(info: ServerFields): string | undefined {
  if (info.get('aof_last_write_status') === 'err') return 'The last write to the AOF'
  if (info.get('rdb_last_bgsave_status') === 'err') return 'The last snapshot'
  return undefined
}

function setting(settings: Asked<ServerFields>, name: string): string | undefined {
  return 'value' in settings ? settings.value.get(name) : undefined
}

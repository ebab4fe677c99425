import type { Asked, ConnectionFacts, ServerFields } from '../ports/checkup.ts'
import { failure, ok, unknown, type Verdict, warning } from './finding.ts'

/** Whether the server is a master, and what stands behind it. */
export function replication(
  info: ServerFields,
  settings: Asked<ServerFields>,
  kind: ConnectionFacts['kind'],
): Verdict {
  const role = info.get('role')
  if (role === 'slave') return ofReplica(info)
  if (role !== 'master') return unknown('The server does not tell whether it is a master.')
  const replicas = Number(info.get('connected_slaves') ?? 0)
  const good = info.get('min_slaves_good_slaves')
  if (good !== undefined && Number(good) < wanted(settings))
    return failure(
      `min-replicas-to-write is not met, ${good} of ${replicas} replicas keep up: writes fail.`,
      'Repair the replicas, or lower `min-replicas-to-write`.',
    )
  if (kind !== 'server' && replicas === 0)
    return warning(
      'The master has no replica: nothing takes over when it is down.',
      'Add a replica: `REPLICAOF`, or `redis-cli --cluster add-node … --cluster-slave`.',
    )
  if (kind === 'sentinels' && good === undefined)
    return warning(
      'min-replicas-to-write is not set: a master that is cut off goes on taking what a failover loses.',
      'Set `min-replicas-to-write 1` and `min-replicas-max-lag 10` on every server.',
    )
  return ok(replicas === 0 ? 'A master alone.' : `A master with ${count(replicas)}.`)
}

function ofReplica(info: ServerFields): Verdict {
  const master = `${info.get('master_host')}:${info.get('master_port')}`
  return failure(
    `It is a replica of ${master}, whose link is ${info.get('master_link_status') ?? 'down'}: writes are refused.`,
    'Connect to the master, or set `REDIS_SENTINELS` or `REDIS_CLUSTER_NODES`; `REPLICAOF NO ONE` makes it a master.',
  )
}

/** Where CONFIG is not permitted, one: the field is only there where there is a bound. */
function wanted(settings: Asked<ServerFields>): number {
  const text = 'value' in settings ? settings.value.get('min-replicas-to-write') : undefined
  return Number(text ?? 1) || 1
}

function count(replicas: number): string {
  return replicas === 1 ? '1 replica' : `${replicas} replicas`
}

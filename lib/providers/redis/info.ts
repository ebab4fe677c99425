import type { ServerFields } from '../../ports/checkup.ts'
import type { NodeInfo } from '../../ports/inspection.ts'

/** Reads the reply of INFO; what a server does not tell counts as 0. */
export function parseInfo(text: string): Omit<NodeInfo, 'address' | 'keys'> {
  const fields = fieldsOfInfo(text)
  const number = (name: string) => Number(fields.get(name) ?? 0) || 0
  return {
    version: fields.get('valkey_version') ?? fields.get('redis_version') ?? '',
    uptime: number('uptime_in_seconds'),
    clients: {
      connected: number('connected_clients'),
      blocked: number('blocked_clients'),
      max: number('maxclients'),
    },
    memory: {
      used: number('used_memory'),
      peak: number('used_memory_peak'),
      max: number('maxmemory') || Number.POSITIVE_INFINITY,
      policy: fields.get('maxmemory_policy') ?? '',
    },
    stats: {
      commands: number('total_commands_processed'),
      commandsPerSecond: number('instantaneous_ops_per_sec'),
      hits: number('keyspace_hits'),
      misses: number('keyspace_misses'),
      expired: number('expired_keys'),
      evicted: number('evicted_keys'),
    },
  }
}

/** The fields in a reply of INFO. */
export function fieldsOfInfo(text: string): ServerFields {
  const fields = new Map<string, string>()
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1))
  }
  return fields
}

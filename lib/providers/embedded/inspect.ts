import type { Inspection, NodeInfo } from '../../ports/inspection.ts'
import type { Keyspace } from './keyspace.ts'
import { sizeOf } from './shelf.ts'

/** Looks into this process: bytes are estimates, and nothing in it is slow. */
export function embeddedInspection(
  keyspace: Keyspace,
  { maxBytes }: { maxBytes: number },
): Inspection {
  const startedAt = keyspace.now()
  return {
    async nodes() {
      const { bytes: used, tally, now, keys } = keyspace
      const uptime = Math.max(0, now() - startedAt) / 1000
      const { hits, misses, writes, expired, evicted, peak } = tally
      const commands = hits + misses + writes
      const info: NodeInfo = {
        address: 'embedded',
        version: process.version,
        uptime: Math.floor(uptime),
        keys: keys().length,
        clients: { connected: 0, blocked: 0, max: Number.POSITIVE_INFINITY },
        memory: { used, peak, max: maxBytes, policy: 'allkeys-lru' },
        stats: {
          commands,
          commandsPerSecond: Math.round(commands / Math.max(1, uptime)),
          hits,
          misses,
          expired,
          evicted,
        },
      }
      return [info]
    },
    dbsize: async () => keyspace.keys().length,
    async size(key) {
      const held = keyspace.find(key)
      return held && sizeOf(key, held.cell.bytes)
    },
    slowlog: async () => [],
  }
}

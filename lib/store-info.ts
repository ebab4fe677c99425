import type { ClientsInfo, MemoryInfo, NodeInfo, StatsInfo } from './ports/inspection.ts'

/** What a store is made of, and how it does. */
export interface StoreInfo {
  /** Keys of all kinds. */
  readonly keys: number
  readonly clients: ClientsInfo
  /** `policy` is that of the first server. */
  readonly memory: MemoryInfo
  readonly stats: StatsInfo
  /** Each server; of a Cluster, its masters. */
  readonly nodes: readonly NodeInfo[]
}

/** Adds up what servers tell of themselves. */
export function totalOf(nodes: readonly NodeInfo[]): StoreInfo {
  const clients = nodes.map((node) => node.clients)
  const memories = nodes.map((node) => node.memory)
  const stats = nodes.map((node) => node.stats)
  return {
    keys: nodes.reduce((total, { keys }) => total + keys, 0),
    clients: added(clients, ['connected', 'blocked', 'max']),
    memory: {
      ...added(memories, ['used', 'peak', 'max']),
      policy: memories[0]?.policy ?? '',
    },
    stats: added(stats, ['commands', 'commandsPerSecond', 'hits', 'misses', 'expired', 'evicted']),
    nodes,
  }
}

function added<Name extends string>(
  parts: readonly Readonly<Record<Name, number>>[],
  names: readonly Name[],
): Record<Name, number> {
  const sums = {} as Record<Name, number>
  for (const name of names)
    sums[name] = parts.reduce<number>((total, part) => total + part[name], 0)
  return sums
}

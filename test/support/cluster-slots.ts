import type { Redis } from 'ioredis'
import type { ClusterNode, NodeView } from './cluster-view.ts'
import { withClient } from './short-client.ts'

/** How slots move while somebody may look on. */
export interface MoveOptions {
  /** Keys that move at once. @default 10 */
  readonly batch?: number
  /**
   * Awaited while a slot is between two nodes: before its first batch of keys, between batches and
   * after the last. Meanwhile its owner answers ASK for keys it does not have (any more).
   */
  readonly between?: (slot: number) => unknown
}

/** A slot on its way. */
export interface SlotMove {
  readonly slot: number
  readonly from: ClusterNode
  readonly to: ClusterNode
}

/** What is to be known of a cluster to move its slots. */
export interface MovingCluster {
  readonly masters: readonly ClusterNode[]
  readonly password: string | undefined
  /** Resolves when all nodes say the same of who owns what. */
  agreed(): Promise<void>
}

/**
 * Moves slots one after another with all their keys, as `redis-cli --cluster reshard` does, and
 * resolves when all nodes know.
 */
export async function moveSlots(
  moves: readonly SlotMove[],
  { masters, password, agreed }: MovingCluster,
  options: MoveOptions,
): Promise<void> {
  const clients = new Map<ClusterNode, Redis>()
  for (const master of masters) clients.set(master, patient(master))
  const clientOf = (node: ClusterNode): Redis => {
    const client = clients.get(node)
    if (client === undefined) throw new Error(`127.0.0.1:${node.port} is no master`)
    return client
  }
  try {
    for (const [index, move] of moves.entries()) {
      // A new owner outbids the epochs it knows. One it has not heard of yet would take the slot back.
      if (move.to !== moves[index - 1]?.to) await agreed()
      await moveSlot(move, clientOf, [...clients.keys()], { ...options, password })
    }
    await agreed()
  } finally {
    for (const client of clients.values()) client.disconnect()
  }
}

/** `count` slots, those with the most keys first, to go from each master to the next of the row. */
export async function pickMoves(
  count: number,
  masters: readonly { readonly node: ClusterNode; readonly view: NodeView }[],
): Promise<SlotMove[]> {
  const rows = await Promise.all(masters.map(({ node, view }) => fullestSlots(node, view)))
  const moves: SlotMove[] = []
  for (let rank = 0; moves.length < count; rank += 1) {
    const before = moves.length
    for (const [index, slots] of rows.entries()) {
      const slot = slots[rank]
      const from = masters[index]?.node
      const to = masters[(index + 1) % masters.length]?.node
      if (slot !== undefined && from && to && moves.length < count) moves.push({ slot, from, to })
    }
    if (moves.length === before) throw new Error(`There are fewer than ${count} slots to move`)
  }
  return moves.sort((a, b) => a.from.port - b.from.port)
}

async function moveSlot(
  { slot, from, to }: SlotMove,
  clientOf: (node: ClusterNode) => Redis,
  masters: readonly ClusterNode[],
  { batch = 10, between, password }: MoveOptions & { password?: string | undefined },
): Promise<void> {
  const source = clientOf(from)
  await clientOf(to).call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id)
  await source.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id)
  const auth = password === undefined ? [] : ['AUTH', password]
  for (;;) {
    await between?.(slot)
    const keys = (await source.call('CLUSTER', 'GETKEYSINSLOT', slot, batch)) as string[]
    if (keys.length === 0) break
    await source.call('MIGRATE', [to.host, to.port, '', 0, 5_000, ...auth, 'KEYS', ...keys])
  }
  // The new owner first: were the old one first and then gone, the slot would be nobody's.
  const others = masters.filter((master) => master !== from && master !== to)
  for (const master of [to, from, ...others])
    await clientOf(master).call('CLUSTER', 'SETSLOT', slot, 'NODE', to.id)
}

function fullestSlots(node: ClusterNode, { ranges }: NodeView): Promise<number[]> {
  const slots = ranges.flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index),
  )
  return withClient(
    node,
    async (client) => {
      const counting = client.pipeline()
      for (const slot of slots) counting.cluster('COUNTKEYSINSLOT', slot)
      const counts = (await counting.exec()) ?? []
      return slots
        .map((slot, index) => ({ slot, keys: Number(counts[index]?.[1]) }))
        .sort((a, b) => b.keys - a.keys)
        .map(({ slot }) => slot)
    },
    { withinMs: 10_000 },
  )
}

function patient(node: ClusterNode): Redis {
  return node.client({ retryStrategy: () => null, commandTimeout: 10_000 })
}

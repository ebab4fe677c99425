import keySlot from 'cluster-key-slot'
import { checkNames, type Names, wholeNumber } from '../../options.ts'
import type { Parts } from '../../ports/provider.ts'
import type { Address } from './address.ts'
import { type Connection, connect } from './connection.ts'
import { type Client, duplicateOf, isCluster, openClient, type Purpose } from './open-client.ts'

/** How many connections a store has, by purpose; of a Cluster, to each node. */
export interface PoolOptions {
  /** For commands. A key has always the same one, so that order holds. @default 1 */
  readonly commands?: number | undefined
  /** For cached responses alone: a large one does not hold up the others. `0` shares those for commands. @default 0 */
  readonly bodies?: number | undefined
  /** For `keys`, `deletePattern` and `info` alone. `0` shares those for commands. @default 0 */
  readonly scans?: number | undefined
}

const poolNames: Names<PoolOptions> = { commands: true, bodies: true, scans: true }

/** Checks a `pool` option. @throws OptionError naming option, expectation and value. */
export function checkPool(pool: PoolOptions): void {
  checkNames<PoolOptions>('pool', pool, poolNames)
  const { commands = 1, bodies = 0, scans = 0 } = pool
  wholeNumber('pool.commands', commands, { max: 64 })
  wholeNumber('pool.bodies', bodies, { min: 0, max: 64 })
  wholeNumber('pool.scans', scans, { min: 0, max: 8 })
}

/** Keys that go to one connection, and where they stood. */
interface KeyGroup {
  readonly connection: Connection
  readonly keys: string[]
  readonly places: number[]
  /** Each needs a command of its own: on a Cluster slots differ, and one may be on its way. */
  readonly alone: boolean
}

/** The connections of a store. */
export interface Pool {
  /** For commands on this key. */
  of(key: string): Connection
  /** For a large value under this key. */
  bodiesOf(key: string): Connection
  /** What the driver puts before each key, but not before the name of a channel. */
  readonly prefix: string
  /** Of the client handed in, or the first that was opened. */
  readonly first: Connection
  /** For what walks all keys or looks into servers. */
  readonly scans: Connection
  /** Keys by connection. */
  groups(keys: readonly string[]): readonly KeyGroup[]
  /** The slot of a key, where keys of different slots cannot be in one script. */
  slotOf(key: string): number
  /** The masters of a Cluster. */
  readonly parts: Parts | undefined
  /** A client that may listen for messages, and whether it is for that alone. */
  listener(): { readonly client: Client; readonly alone: boolean }
  onReady(listener: () => void): void
  close(): Promise<void>
}

/** Opens connections to an address, or more beside a client handed in, which stays open. */
export function openPool(
  from: { readonly address: Address } | { readonly client: Client },
  { commands = 1, bodies = 0, scans = 0 }: PoolOptions,
): Pool {
  const handedIn = 'client' in from ? from.client : undefined
  const open = (purpose: Purpose) =>
    'address' in from ? openClient(from.address, purpose) : duplicateOf(from.client, purpose)
  const lanes = (purpose: Purpose, count: number) =>
    Array.from({ length: count }, () => connect(open(purpose), { owned: true }))

  const first = connect(handedIn ?? open('commands'), { owned: handedIn === undefined })
  const forCommands = [first, ...lanes('commands', commands - 1)]
  const forBodies = lanes('bodies', bodies)
  const [forScans = first] = lanes('scans', scans)
  const { client } = first
  const cluster = isCluster(client) ? client : undefined
  const prefix = client.options.keyPrefix ?? ''
  const slotOf = (key: string) => keySlot(prefix + key)

  const of = (key: string) => pick(forCommands, key)
  return {
    of,
    bodiesOf: (key) => (bodies === 0 ? of(key) : pick(forBodies, key)),
    prefix,
    first,
    scans: forScans,
    groups: (keys) => grouped(keys, of, cluster !== undefined),
    slotOf: cluster === undefined ? () => 0 : slotOf,
    parts: cluster && {
      of: (key) => masterOf(cluster.slots[slotOf(key)]),
      names: () => new Set(cluster.slots.map(masterOf)),
    },
    listener: () =>
      cluster !== undefined && handedIn === undefined
        ? { client, alone: false }
        : { client: duplicateOf(client, 'messages'), alone: true },
    onReady: first.onReady,
    close: async () => {
      await Promise.all([...forCommands, ...forBodies, forScans].map((each) => each.close()))
    },
  }
}

function masterOf(nodes: readonly string[] | undefined): string {
  return nodes?.[0] ?? ''
}

function pick(lanes: readonly Connection[], key: string): Connection {
  return lanes[lanes.length === 1 ? 0 : keySlot(key) % lanes.length] as Connection
}

function grouped(
  keys: readonly string[],
  of: (key: string) => Connection,
  alone: boolean,
): readonly KeyGroup[] {
  const groups = new Map<Connection, KeyGroup>()
  for (const [place, key] of keys.entries()) {
    const connection = of(key)
    const group = groups.get(connection) ?? { connection, keys: [], places: [], alone }
    group.keys.push(key)
    group.places.push(place)
    groups.set(connection, group)
  }
  return [...groups.values()]
}

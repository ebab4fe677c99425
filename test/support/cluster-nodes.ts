import { type ClusterNode, healthy, nodesSay } from './cluster-view.ts'
import { eventually } from './eventually.ts'
import { startRedis, type TestServer } from './redis.ts'
import { REPLICATION, type ServerOptions } from './redis-settings.ts'
import { withClient } from './short-client.ts'

/** Settings of a cluster; `args`, `password` and `tls` are those of every node. */
export interface ClusterSettings extends Pick<ServerOptions, 'args' | 'password' | 'tls'> {
  /** How many nodes share the slots. @default 3 */
  readonly masters?: number
  /** Replicas of each master. @default 1 */
  readonly replicas?: 0 | 1
}

/** Starts the nodes and makes a cluster of them; the first `masters` are its masters. */
export async function startNodes(settings: ClusterSettings): Promise<ClusterNode[]> {
  const { masters = 3, replicas = 1 } = settings
  const servers = await startServers(masters * (1 + replicas), settings)
  try {
    const nodes = await Promise.all(servers.map(clusterNode))
    await form(nodes, masters)
    return nodes
  } catch (error) {
    await Promise.all(servers.map((server) => server.stop()))
    throw error
  }
}

async function startServers(
  count: number,
  { args = [], password, tls }: ClusterSettings,
): Promise<TestServer[]> {
  const cluster = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1500']
  // Replicas stay with the master they were given, and stand in for it however long they were apart.
  const roles = [
    '--cluster-allow-replica-migration',
    'no',
    '--cluster-replica-validity-factor',
    '0',
  ]
  const answers = ['--cluster-require-full-coverage', 'no', '--cluster-announce-ip', '127.0.0.1']
  const auth = password === undefined ? [] : ['--masterauth', password]
  const secured = tls === undefined ? [] : ['--tls-cluster', 'yes', '--tls-replication', 'yes']
  const options = {
    args: [...cluster, ...roles, ...answers, ...REPLICATION, ...auth, ...secured, ...args],
    peers: true,
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { tls }),
  }
  const starts = await Promise.allSettled(Array.from({ length: count }, () => startRedis(options)))
  const servers = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []))
  const failed = starts.find((start) => start.status === 'rejected')
  if (failed === undefined) return servers
  await Promise.all(servers.map((server) => server.stop()))
  throw failed.reason
}

async function clusterNode(server: TestServer): Promise<ClusterNode> {
  const id = await withClient(server, (client) => client.cluster('MYID'))
  return Object.assign(server, {
    id,
    role: () =>
      withClient(server, async (client) => {
        const [role] = await client.role()
        return role === 'master' ? ('master' as const) : ('replica' as const)
      }),
  })
}

async function form(nodes: readonly ClusterNode[], masters: number): Promise<void> {
  await Promise.all(nodes.map((node, index) => introduce(node, { index, nodes, masters })))
  await Promise.all(
    nodes.slice(masters).map((replica, index) => {
      const master = nodes[index % masters]
      return master && follow(replica, master)
    }),
  )
  await nodesSay(nodes, (views) => views.length === nodes.length && healthy(views))
}

function introduce(
  node: ClusterNode,
  { index, nodes, masters }: { index: number; nodes: readonly ClusterNode[]; masters: number },
): Promise<void> {
  return withClient(node, async (client) => {
    // Who claims a slot with the higher epoch is right: no two nodes may have the same.
    await client.cluster('SET-CONFIG-EPOCH', index + 1)
    if (index < masters) {
      const first = Math.ceil((16_384 * index) / masters)
      const last = Math.ceil((16_384 * (index + 1)) / masters) - 1
      await client.call('CLUSTER', 'ADDSLOTSRANGE', first, last)
    }
    // Each to each, where one would do: gossip would need a second more.
    for (const other of nodes.slice(index + 1)) await client.cluster('MEET', other.host, other.port)
  })
}

async function follow(replica: ClusterNode, master: ClusterNode): Promise<void> {
  await eventually('a replica knows its master', () =>
    withClient(replica, (client) => client.cluster('REPLICATE', master.id)),
  )
}

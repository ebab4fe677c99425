import { Cluster, type ClusterOptions } from 'ioredis'
import { type ClusterSettings, startNodes } from './cluster-nodes.ts'
import { type MoveOptions, moveSlots, pickMoves } from './cluster-slots.ts'
import {
  agree,
  type ClusterNode,
  type ClusterView,
  healthy,
  nodesSay,
  owns,
  viewsOf,
} from './cluster-view.ts'
import { eventually } from './eventually.ts'
import type { ClientOptions } from './redis.ts'
import { withClient } from './short-client.ts'

type ClusterClientOptions = Omit<ClusterOptions, 'redisOptions'> & {
  readonly redisOptions?: ClientOptions
}

/** A Redis Cluster of the test's own: servers on free ports of 127.0.0.1. */
export interface RedisTestCluster {
  /** All nodes, those that began as masters first; after a failover their roles have changed. */
  readonly nodes: readonly ClusterNode[]
  /** The URL of every node, with the password where there is one. */
  readonly urls: readonly string[]
  /** Who is master now and answers. */
  masters(): Promise<ClusterNode[]>
  /** Who is a replica now and answers: of `master`, or of whomever. */
  replicas(master?: ClusterNode): Promise<ClusterNode[]>
  /** The master that owns a slot (a number) or the slot of a key (a string). */
  ownerOf(slotOrKey: number | string): Promise<ClusterNode>
  /** The slot of a key. */
  slotOf(key: string): Promise<number>
  /** Moves a slot with its keys to another master, as `redis-cli --cluster reshard` does. */
  reshard(slot: number, to: ClusterNode, options?: MoveOptions): Promise<void>
  /**
   * Moves `count` slots from every master to the next, those with the most keys first, and tells
   * which.
   */
  moveSlots(count: number, options?: MoveOptions): Promise<number[]>
  /** Lets a replica take its master's place, who becomes its replica. Resolves when all know. */
  promote(replica: ClusterNode): Promise<void>
  /**
   * Resolves when the nodes that answer agree, own every slot between them, and their replicas are
   * in sync: after a start, after a failover. Nodes that are away do not matter.
   */
  settled(): Promise<void>
  /** A fresh plain client of the whole cluster; `stop()` closes it. */
  client(options?: ClusterClientOptions): Cluster
  /** Ends every node, frozen or not, closes the clients and removes the folders. */
  stop(): Promise<void>
}

/** Starts a cluster of 3 masters with a replica each, and waits until every node knows of all. */
export async function startRedisCluster(settings: ClusterSettings = {}): Promise<RedisTestCluster> {
  return testCluster(await startNodes(settings), settings)
}

function testCluster(
  nodes: readonly ClusterNode[],
  { password }: ClusterSettings,
): RedisTestCluster {
  const clients = new Set<Cluster>()
  const byId = new Map(nodes.map((node) => [node.id, node]))

  /** What the node that knows most says of those that answer. */
  async function view() {
    const views = await viewsOf(nodes)
    const latest = latestOf(views)
    const answering = new Set(views.map(({ node }) => node.id))
    return latest.nodes.flatMap((seen) => {
      const node = byId.get(seen.id)
      return node && answering.has(seen.id) ? [{ node, view: seen }] : []
    })
  }
  const mastersNow = async () => (await view()).filter(({ view: { role } }) => role === 'master')
  const moving = async () => ({ masters: await cluster.masters(), password, agreed })
  const agreed = () => nodesSay(nodes, agree)

  const cluster: RedisTestCluster = {
    nodes,
    urls: nodes.map(({ url }) => url),
    masters: async () => (await mastersNow()).map(({ node }) => node),
    async replicas(master) {
      const replicas = (await view()).filter(({ view: { role } }) => role === 'replica')
      return replicas
        .filter((replica) => master === undefined || replica.view.masterId === master.id)
        .map(({ node }) => node)
    },
    async ownerOf(slotOrKey) {
      const slot = typeof slotOrKey === 'number' ? slotOrKey : await cluster.slotOf(slotOrKey)
      const owner = (await mastersNow()).find((master) => owns(master.view, slot))
      if (owner === undefined) throw new Error(`No master that answers owns slot ${slot}`)
      return owner.node
    },
    async slotOf(key) {
      const { node } = latestOf(await viewsOf(nodes))
      return withClient(node, (client) => client.cluster('KEYSLOT', key))
    },
    async reshard(slot, to, options = {}) {
      const from = await cluster.ownerOf(slot)
      if (from === to) return
      await moveSlots([{ slot, from, to }], await moving(), options)
    },
    async moveSlots(count, options = {}) {
      const moves = await pickMoves(count, await mastersNow())
      await moveSlots(moves, await moving(), options)
      return moves.map(({ slot }) => slot)
    },
    async promote(replica) {
      await withClient(replica, (client) => client.cluster('FAILOVER'))
      await eventually(
        'the replica is master',
        async () => (await replica.role()) === 'master' || undefined,
      )
      await cluster.settled()
    },
    settled: () => nodesSay(nodes, healthy),
    client(options = {}) {
      const client = clusterClient(nodes, password, options)
      clients.add(client)
      return client
    },
    async stop() {
      for (const client of clients) client.disconnect()
      await Promise.all(nodes.map((node) => node.stop()))
    },
  }
  return cluster
}

function latestOf(views: readonly ClusterView[]): ClusterView {
  const [latest] = views
  if (latest === undefined) throw new Error('No node of the cluster answers')
  return latest
}

function clusterClient(
  nodes: readonly ClusterNode[],
  password: string | undefined,
  { redisOptions, ...options }: ClusterClientOptions,
): Cluster {
  const locked = password === undefined ? {} : { password }
  const tls = nodes[0]?.tls
  const secured = tls === undefined ? {} : { tls }
  const client = new Cluster(
    nodes.map(({ host, port }) => ({ host, port })),
    {
      clusterRetryStrategy: () => 100,
      slotsRefreshTimeout: 5_000,
      redisOptions: { protocol: 2, ...locked, ...secured, ...redisOptions },
      ...options,
    },
  )
  client.on('error', () => {}) // It tries again: nodes may be killed meanwhile.
  return client
}

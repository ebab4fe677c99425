import { eventually } from './eventually.ts'
import type { TestServer } from './redis.ts'
import { withClient } from './short-client.ts'

/** A server of a cluster, by the name the cluster has for it. */
export interface ClusterNode extends TestServer {
  readonly id: string
  /** What it is now, as it says itself; rejects where it does not answer. */
  role(): Promise<'master' | 'replica'>
}

/** What one node of a cluster says of one node. */
export interface NodeView {
  readonly id: string
  readonly role: 'master' | 'replica'
  /** Of a replica: whose. */
  readonly masterId: string
  /** It is thought to be away, or is not known well enough yet. */
  readonly failing: boolean
  /** Of two who claim a slot the one with the higher is right. Of a replica: its master's. */
  readonly configEpoch: number
  /** First and last slot of each range it owns. */
  readonly ranges: readonly (readonly [number, number])[]
}

/** How the cluster looks from a node that answers. */
export interface ClusterView {
  readonly node: ClusterNode
  readonly ok: boolean
  readonly epoch: number
  /** Where it is a replica: it has its master's data and follows. */
  readonly linked: boolean
  readonly nodes: readonly NodeView[]
}

const SLOTS = 16_384

/** The views of all nodes that answer, the one that knows of the latest change first. */
export async function viewsOf(nodes: readonly ClusterNode[]): Promise<ClusterView[]> {
  const views = await Promise.all(nodes.map((node) => viewFrom(node).catch(() => undefined)))
  return views.filter((view) => view !== undefined).sort((a, b) => b.epoch - a.epoch)
}

/** Whether those who answer say the same of each other. */
export function agree(views: readonly ClusterView[]): boolean {
  const living = idsOf(views)
  return new Set(views.map((view) => summary(view, living))).size === 1
}

/** Whether they agree, own every slot between them, and follow whom they should. */
export function healthy(views: readonly ClusterView[]): boolean {
  const living = idsOf(views)
  return (
    agree(views) &&
    views.every(({ ok, linked }) => ok && linked) &&
    views.every((view) => slotsOfLiving(view, living) === SLOTS)
  )
}

/** Whether a slot is in one of the ranges. */
export function owns({ ranges }: NodeView, slot: number): boolean {
  return ranges.some(([from, to]) => from <= slot && slot <= to)
}

/** Asks the nodes again until `so` holds of what those say that answer. */
export async function nodesSay(
  nodes: readonly ClusterNode[],
  so: (views: readonly ClusterView[]) => boolean,
): Promise<void> {
  await eventually('the nodes agree', async () => so(await viewsOf(nodes)) || undefined)
}

function idsOf(views: readonly ClusterView[]): ReadonlySet<string> {
  return new Set(views.map(({ node }) => node.id))
}

function slotsOfLiving({ nodes }: ClusterView, living: ReadonlySet<string>): number {
  return nodes
    .filter(({ id, failing }) => living.has(id) && !failing)
    .flatMap(({ ranges }) => ranges)
    .reduce((sum, [from, to]) => sum + to - from + 1, 0)
}

function summary({ nodes }: ClusterView, living: ReadonlySet<string>): string {
  const lines = nodes
    .filter(({ id }) => living.has(id))
    .map((node) => JSON.stringify(Object.values(node)))
  return lines.sort().join('\n')
}

async function viewFrom(node: ClusterNode): Promise<ClusterView> {
  return withClient(node, async (client) => {
    const [nodes, info, [, , , link]] = await Promise.all([
      client.cluster('NODES') as Promise<string>,
      client.cluster('INFO'),
      client.role() as Promise<unknown[]>,
    ])
    const views = parseNodes(nodes)
    const self = views.find(({ id }) => id === node.id)
    return {
      node,
      ok: info.includes('cluster_state:ok'),
      epoch: Number(/cluster_current_epoch:(\d+)/.exec(info)?.[1] ?? 0),
      linked: self?.role === 'master' || link === 'connected',
      nodes: views,
    }
  })
}

function parseNodes(text: string): NodeView[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map(parseNode)
}

/** `id address flags master ping pong epoch link slot slot …` */
function parseNode(line: string): NodeView {
  const [id = '', , flags = '', masterId = '', , , epoch, , ...slots] = line.split(' ')
  return {
    id,
    role: flags.includes('slave') ? 'replica' : 'master',
    masterId,
    failing: /fail|handshake|noaddr/.test(flags.replace('nofailover', '')),
    configEpoch: Number(epoch),
    // In brackets stand slots that are on their way: they are in the ranges of their owner.
    ranges: slots.filter((slot) => !slot.startsWith('[')).map(parseRange),
  }
}

function parseRange(range: string): [number, number] {
  const [from, to = from] = range.split('-').map(Number)
  return [from ?? 0, to ?? 0]
}

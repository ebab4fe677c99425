import type { Cluster, Redis } from 'ioredis'
import { StoreError } from '../../errors.ts'
import type { Connection } from './connection.ts'
import { type Client, isCluster } from './open-client.ts'
import { nodeAddress } from './servers.ts'

const lookEveryMs = 50
const patienceMs = 250
const answersWithinMs = 900

/**
 * The client, once it is ready. Where a single server is in trouble, nobody waits for long: a second
 * would not help. Of several servers the driver may have asked first one that does not answer: it
 * takes a second to ask another.
 */
export async function reached(connection: Connection): Promise<Client> {
  const { client } = connection
  if (isCluster(client)) return reachedCluster(connection, client)
  if (client.options.sentinels?.length) return connection.look().catch(() => connection.look())
  let timer: NodeJS.Timeout | undefined
  const lost = new Promise<never>((_, reject) => {
    let since: number | undefined
    timer = setInterval(() => {
      since = connection.trouble === undefined ? undefined : (since ?? performance.now())
      if (since !== undefined && performance.now() - since >= patienceMs)
        reject(new StoreError('look', 'unavailable', { outcome: 'not-sent' }))
    }, lookEveryMs)
  })
  try {
    return await Promise.race([connection.look(), lost])
  } finally {
    clearInterval(timer)
  }
}

/**
 * The driver asks a node that it picks by chance, and again until it is ready: of a few nodes it may
 * have asked the one that is frozen each time. So each is asked by itself, to tell which it is.
 */
async function reachedCluster(connection: Connection, cluster: Cluster): Promise<Client> {
  const nodes = new Map<string, Redis>()
  const meet = (node: Redis) => nodes.set(nodeAddress(node), node)
  // While the driver begins anew, it has none.
  cluster.on('+node', meet)
  cluster.nodes().forEach(meet)
  try {
    return await connection.look().catch(() => {
      const silent = silentOf(nodes).catch(() => undefined)
      return connection.look().catch(async (error: unknown) => {
        throw (await silent) ?? error
      })
    })
  } finally {
    cluster.off('+node', meet)
  }
}

/** Says which do not answer over connections of their own, where some do and some do not. */
async function silentOf(nodes: ReadonlyMap<string, Redis>): Promise<StoreError | undefined> {
  const asked = [...nodes].map(async ([address, node]) => ((await answers(node)) ? [] : [address]))
  const silent = (await Promise.all(asked)).flat()
  if (silent.length === 0 || silent.length === asked.length) return undefined
  const cause = new Error(`no answer from ${silent.join(', ')}`)
  return new StoreError('look', 'unavailable', { outcome: 'not-sent', cause })
}

async function answers(node: Redis): Promise<boolean> {
  const alone = node.duplicate({
    lazyConnect: true,
    retryStrategy: null,
    enableReadyCheck: false,
    enableOfflineQueue: true,
    commandTimeout: answersWithinMs,
  })
  // What is wrong with it, its command tells.
  alone.on('error', () => {})
  try {
    await alone.ping()
    return true
  } catch (error) {
    // One that refuses is there.
    return error instanceof Error && error.name === 'ReplyError'
  } finally {
    alone.disconnect()
  }
}

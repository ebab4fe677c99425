import type { Duplex } from 'node:stream'
import { afterMoment } from '../../moment.ts'
import { type Client, isCluster } from './open-client.ts'

/** Calls of this weight leave together at most: Redis begins with them while the others are made. */
const together = 32

/** What is held back, and for calls of what weight. */
interface Gathering {
  readonly sockets: readonly Duplex[]
  weight: number
}

const gatherings = new WeakMap<Client, Gathering>()

/**
 * Holds back what is about to be written to the client's socket until the event loop has seen to all
 * that is ready, or until all who go on together have gone on: commands of one request that belong
 * together, and of requests that came in together, leave in one write, or in one for every 32 calls, of
 * which one that keeps Redis busy for long weighs several; on
 * a Cluster in one to each node. Nothing is kept for longer than that turn, and order stays as it is. A
 * client that keeps its socket elsewhere writes each command by itself.
 */
export function gather(client: Client, weight = 1): void {
  const gathering = gatherings.get(client) ?? begin(client)
  if (gathering.weight >= together) {
    gathering.weight = 0
    for (const socket of gathering.sockets) {
      socket.uncork()
      socket.cork()
    }
  }
  gathering.weight += weight
}

function begin(client: Client): Gathering {
  const sockets = socketsOf(client)
  // Corks are counted: one that the client's owner has put in stays until its owner takes it out.
  for (const socket of sockets) socket.cork()
  afterMoment(() => {
    gatherings.delete(client)
    // A socket that was ended or lost meanwhile is not corked any more, and does not mind.
    for (const socket of sockets) socket.uncork()
  })
  const gathering = { sockets, weight: 0 }
  gatherings.set(client, gathering)
  return gathering
}

function socketsOf(client: Client): readonly Duplex[] {
  // All of them: which nodes this turn's commands go to is not known before the last of them.
  const nodes = isCluster(client) ? client.nodes() : [client]
  return nodes.flatMap((node) => socketOf(node) ?? [])
}

/** The driver names its socket in its types; whether it has one, and of what kind, nobody promises. */
function socketOf({ stream }: { readonly stream?: Partial<Duplex> | null }): Duplex | undefined {
  const corks = typeof stream?.cork === 'function' && typeof stream.uncork === 'function'
  return corks && stream.writable ? (stream as Duplex) : undefined
}

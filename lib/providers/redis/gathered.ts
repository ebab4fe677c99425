import type { Duplex } from 'node:stream'
import { setImmediate } from 'node:timers'
import { type Client, isCluster } from './open-client.ts'

// An application whose tests stop the clock must not stop the commands with it, whichever came first:
// what Jest stops is the global.
const afterThisTurn = setImmediate

const held = new WeakSet<object>()

/**
 * Holds back what is about to be written to the client's socket until the event loop has seen to all
 * that is ready: commands of one request that belong together, and of requests that came in together,
 * leave in one write. Nothing is kept for longer than that turn, and order stays as it is. The clients
 * of a Cluster, and one that keeps its socket elsewhere, write each command by itself.
 */
export function gather(client: Client): void {
  const socket = isCluster(client) ? undefined : socketOf(client)
  if (socket === undefined || held.has(socket)) return
  held.add(socket)
  // Corks are counted: one that the client's owner has put in stays until its owner takes it out.
  socket.cork()
  afterThisTurn(() => {
    held.delete(socket)
    // A socket that was ended or lost meanwhile is not corked any more, and does not mind.
    socket.uncork()
  })
}

/** The driver names its socket in its types; whether it has one, and of what kind, nobody promises. */
function socketOf({ stream }: { readonly stream?: Partial<Duplex> | null }): Duplex | undefined {
  const corks = typeof stream?.cork === 'function' && typeof stream.uncork === 'function'
  return corks && stream.writable ? (stream as Duplex) : undefined
}

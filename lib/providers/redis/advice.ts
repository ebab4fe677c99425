import type { Redis } from 'ioredis'
import { clientTimeouts } from '../../doctor/client-timeouts.ts'
import { evictionNotice } from '../../doctor/eviction.ts'
import { serverVersion } from '../../doctor/server-version.ts'
import { notice } from '../../notice.ts'
import type { ServerFields } from '../../ports/checkup.ts'
import { fieldsOfInfo } from './info.ts'
import { type Client, isCluster } from './open-client.ts'

/**
 * Says once what a doctor would, of what comes by anyway: the options of a client handed in, and the
 * INFO that a client of our own asks for before it is ready. No command is sent for it.
 */
export function advise(client: Client, { owned }: { owned: boolean }): { stop(): void } {
  if (!owned) {
    adviseOnOptions(client)
    return { stop() {} }
  }
  if (!isCluster(client)) {
    overhear(client)
    return { stop() {} }
  }
  for (const node of client.nodes()) overhear(node)
  client.on('+node', overhear)
  return { stop: () => void client.off('+node', overhear) }
}

function adviseOnOptions(client: Client): void {
  const { status, found, fix } = clientTimeouts({
    handedIn: true,
    socketTimeout: socketTimeoutOf(client),
  })
  if (status !== 'ok') notice('MEMORYWARE_CLIENT_TIMEOUTS', `${found} ${fix}`)
}

/** Milliseconds of silence after which a client takes a connection for dead. */
export function socketTimeoutOf(client: Client): number | undefined {
  return (isCluster(client) ? client.options.redisOptions : client.options)?.socketTimeout
}

/** The driver looks at INFO before it says that it is ready, and keeps nothing of it. */
function overhear(server: Redis): void {
  const ask = server.info.bind(server) as (...words: unknown[]) => Promise<unknown>
  const heard = (reply: unknown) => {
    if (typeof reply === 'string') adviseOnServer(fieldsOfInfo(reply))
  }
  Object.assign(server, {
    info(...words: unknown[]) {
      const reply = ask(...words)
      reply.then(heard, () => {})
      return reply
    },
  })
}

function adviseOnServer(info: ServerFields): void {
  const dropping = evictionNotice(info)
  if (dropping !== undefined) notice('MEMORYWARE_EVICTION', dropping)
  const { status, found, fix } = serverVersion(info)
  if (status === 'failure') notice('MEMORYWARE_REDIS_VERSION', `${found} ${fix}`)
}

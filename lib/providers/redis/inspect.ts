import type { Redis } from 'ioredis'
import { StoreError } from '../../errors.ts'
import type { Inspection, NodeInfo, SlowCommand } from '../../ports/inspection.ts'
import { withoutArguments } from './failure.ts'
import { parseInfo } from './info.ts'
import type { Pool } from './pool.ts'
import { servers } from './servers.ts'
import { sum } from './unlink.ts'

const again = { again: true }

/** Looks into a server, or into every master of a Cluster. */
export function redisInspection(pool: Pool): Inspection {
  return {
    nodes: (call) =>
      pool.scans.send(
        'info',
        (client) => permitted('info', Promise.all(servers(client).map(nodeInfo))),
        again,
        call,
      ),
    dbsize: (call) =>
      pool.scans.send(
        'dbsize',
        async (client) => {
          const counts = servers(client).map((each) => each.dbsize())
          return sum(await permitted('dbsize', Promise.all(counts)))
        },
        again,
        call,
      ),
    size: async (key, call) =>
      (await pool
        .of(key)
        .send('size', (client) => permitted('size', client.memory('USAGE', key)), again, call)) ??
      undefined,
    slowlog: (count, call) =>
      pool.scans.send(
        'slowlog',
        async (client) => {
          const logs = servers(client).map((each) => slowCommands(each, count))
          return (await permitted('slowlog', Promise.all(logs)))
            .flat()
            .sort((one, other) => other.at.getTime() - one.at.getTime() || other.id - one.id)
            .slice(0, count)
        },
        again,
        call,
      ),
  }
}

/** A user who may not look inside can use the store all the same: it is not away. */
async function permitted<T>(operation: string, reply: Promise<T>): Promise<T> {
  return reply.catch((error: unknown) => {
    if (error instanceof Error && error.message.startsWith('NOPERM'))
      throw new StoreError(operation, 'refused', { cause: withoutArguments(error) })
    throw error
  })
}

async function nodeInfo(server: Redis): Promise<NodeInfo> {
  const [text, keys] = await Promise.all([server.info(), server.dbsize()])
  return { address: addressOf(server), keys, ...parseInfo(text) }
}

async function slowCommands(server: Redis, count: number): Promise<SlowCommand[]> {
  const entries = (await server.slowlog('GET', count)) as [number, number, number, unknown[]][]
  return entries.map(([id, seconds, micros, [command]]) => ({
    id,
    at: new Date(seconds * 1000),
    durationMs: micros / 1000,
    command: String(command).toUpperCase(),
    address: addressOf(server),
  }))
}

/** Where a server is. */
export function addressOf({ options: { path, host, port }, stream }: Redis): string {
  // Behind Sentinels the options do not say which server it is.
  const { remoteAddress, remotePort } = stream ?? {}
  return path ?? `${remoteAddress ?? host}:${remotePort ?? port}`
}

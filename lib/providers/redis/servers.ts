import type { Redis } from 'ioredis'
import { type Client, isCluster } from './open-client.ts'

/** The servers that hold keys: of a Cluster every master. */
export function servers(client: Client): readonly Redis[] {
  return isCluster(client) ? client.nodes('master') : [client]
}

/** The server that holds a slot, as far as the client knows. */
export function serverOf(client: Client, slot: number): Redis | undefined {
  if (!isCluster(client)) return client
  const address = client.slots[slot]?.[0]
  return servers(client).find(({ options: { host, port } }) => `${host}:${port}` === address)
}

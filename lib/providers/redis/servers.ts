import type { Redis } from 'ioredis'
import { type Client, isCluster } from './open-client.ts'

const slots = 16_384

/**
 * The servers that hold keys: of a Cluster every master.
 *
 * @throws Error when a master is not there: what the others have would pass for everything.
 */
export function servers(client: Client): readonly Redis[] {
  if (!isCluster(client)) return [client]
  const masters = client.nodes('master')
  const there = new Set(masters.map(nodeAddress))
  for (let slot = 0; slot < slots; slot++) {
    const address = client.slots[slot]?.[0]
    if (address === undefined || !there.has(address))
      throw new Error(`Nobody is there for slot ${slot} of the Cluster`)
  }
  return masters
}

/** The server that holds a slot, as far as the client knows. */
export function serverOf(client: Client, slot: number): Redis | undefined {
  if (!isCluster(client)) return client
  const address = client.slots[slot]?.[0]
  return client.nodes('master').find((master) => nodeAddress(master) === address)
}

/** Where the driver finds a node. */
export function nodeAddress({ options: { host, port } }: Redis): string {
  return `${host}:${port}`
}

import { type Client, isCluster } from './open-client.ts'

/** Removes keys; gives how many were there. */
export function unlink(keys: readonly string[]): (client: Client) => Promise<number> {
  return (client) => summed(client, keys, (some) => client.unlink(...some))
}

/** Counts keys in one command; on a Cluster each in one of its own, for their slots differ. */
export async function summed(
  client: Client,
  keys: readonly string[],
  count: (keys: readonly string[]) => Promise<number>,
): Promise<number> {
  if (!isCluster(client)) return count(keys)
  return sum(await Promise.all(keys.map((key) => count([key]))))
}

/** Adds up. */
export function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}

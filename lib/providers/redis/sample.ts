import type { Redis } from 'ioredis'
import type { KeySample } from '../../ports/checkup.ts'
import type { Client } from './open-client.ts'
import { servers } from './servers.ts'

const forMs = 400
const piece = 250
const rounds = 8

/**
 * Looks at up to 2,000 keys of a server, for 400 ms at most: which of them start as asked, and
 * whether those end. `prefix` is what the driver puts before keys.
 */
export async function sampleOf(
  client: Client,
  prefix: string,
  starts: readonly string[],
): Promise<KeySample> {
  const each = await Promise.all(
    servers(client).map((server) => sampleOn(server, { prefix, starts })),
  )
  return {
    looked: each.reduce((sum, { looked }) => sum + looked, 0),
    whole: each.every(({ whole }) => whole),
    found: each.flatMap(({ found }) => found),
  }
}

async function sampleOn(
  server: Redis,
  { prefix, starts }: { prefix: string; starts: readonly string[] },
): Promise<KeySample> {
  const keys = new Set<string>()
  const until = performance.now() + forMs
  let cursor = '0'
  let round = 0
  do {
    const [next, some] = await server.scan(cursor, 'COUNT', piece)
    for (const key of some) keys.add(key)
    cursor = next
    round += 1
  } while (cursor !== '0' && round < rounds && performance.now() < until)
  const own = [...keys].filter((key) => starts.some((start) => key.startsWith(prefix + start)))
  const ends = await Promise.all(own.map((key) => expires(server, key)))
  return {
    looked: keys.size,
    whole: cursor === '0',
    found: own.flatMap((key, at) => {
      const end = ends[at]
      return end === undefined ? [] : [{ key: key.slice(prefix.length), expires: end }]
    }),
  }
}

/** `undefined` for a key that is gone. */
async function expires(server: Redis, key: string): Promise<boolean | undefined> {
  const before = server.options.keyPrefix?.length ?? 0
  const left = await server.pttl(key.slice(before))
  return left === -2 ? undefined : left !== -1
}

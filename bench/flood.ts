import type { TestServer } from '../test/support/redis.ts'
import { startProbe } from './probe.ts'
import type { FloodResult } from './probes/flood.ts'
import { whole } from './report.ts'
import { textTable } from './text-table.ts'

/** What is left of a flood of different URLs. */
export interface FloodLine extends FloodResult {
  readonly store: 'in process' | 'L1 and Redis'
  /** The most that this process is to keep of answers. */
  readonly capBytes: number
  /** Keys on Redis that never end. */
  readonly lasting: number
}

const requests = 20_000
const mib = 1024 ** 2
const caps = { 'in process': 8 * mib, 'L1 and Redis': 8 * mib }
/** Beside answers, a process remembers of 50,000 resources what their entries carry. */
const besideBytes = requests * 512

type Client = ReturnType<TestServer['client']>

/** Floods a cache in a process, and one on Redis, at the same time. */
export async function measureFlood(
  server: TestServer,
  compiled: string,
): Promise<readonly FloodLine[]> {
  const client = server.client()
  await client.flushall()
  const lines = await Promise.all(
    (['in process', 'L1 and Redis'] as const).map(async (store) => {
      const capBytes = caps[store]
      const where = store === 'in process' ? [] : [`${server.url}/0`]
      const probe = startProbe(compiled, 'flood', [`${requests}`, `${capBytes}`, ...where])
      const found = await probe.ask<FloodResult>()
      await probe.end()
      const lasting = store === 'in process' ? 0 : await lastingKeys(client)
      return { ...found, store, capBytes, lasting }
    }),
  )
  await client.flushall()
  client.disconnect()
  return lines
}

/** Keys without a time to live. */
async function lastingKeys(client: Client): Promise<number> {
  let lasting = 0
  for await (const keys of client.scanStream({ count: 1000 })) {
    const asking = client.pipeline()
    for (const key of keys as string[]) asking.pttl(key)
    const answers = (await asking.exec()) ?? []
    lasting += answers.filter(([error, ms]) => error !== null || ms === -1).length
  }
  return lasting
}

/** Sentences about what grows, or stays for ever. */
export function wrongFlood(lines: readonly FloodLine[]): string[] {
  return lines.flatMap(({ store, capBytes, heldBytes, lasting, keys }) => [
    ...(heldBytes <= capBytes + besideBytes
      ? []
      : [
          `${whole(requests)} URLs (${store}) should take at most ` +
            `${mibOf(capBytes + besideBytes)} MiB of this process, and they take ${mibOf(heldBytes)}`,
        ]),
    ...(lasting === 0 ? [] : [`${whole(lasting)} keys on Redis should end, and do not`]),
    ...(keys > 0 ? [] : [`Nothing was kept of ${whole(requests)} URLs (${store})`]),
  ])
}

/** The lines as text. */
export function floodText(lines: readonly FloodLine[]): string {
  const rows = lines.map(({ store, capBytes, heldBytes, rssBytes, keys, lasting }) => [
    store,
    mibOf(capBytes),
    mibOf(heldBytes),
    mibOf(rssBytes),
    whole(keys),
    `${lasting}`,
  ])
  return [
    `${whole(requests)} different URLs, 2 KB each: MiB that answers may take, and by which the heap with its buffers and RSS have grown`,
    textTable([['store', 'cap', 'held', 'RSS', 'keys', 'without TTL'], ...rows]),
  ].join('\n')
}

function mibOf(bytes: number): string {
  return (bytes / mib).toFixed(1)
}

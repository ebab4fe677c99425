import type { TestServer } from '../test/support/redis.ts'
import { startProbe } from './probe.ts'
import type { FloodResult } from './probes/flood.ts'
import { whole } from './report.ts'
import { textTable } from './text-table.ts'

/** What is left of a flood of different URLs. */
export interface FloodLine extends FloodResult {
  readonly store: 'in process' | 'L1 and Redis'
  readonly urls: number
  /** Keys on Redis that never end. */
  readonly lasting: number
}

const mib = 1024 ** 2
/** Less than the answers to all URLs take. */
const capBytes = 4 * mib
/** For each URL: beside answers, a process remembers what the entries of 50,000 carry. */
const besideBytes = 512

type Client = ReturnType<TestServer['client']>

/** Floods a cache in a process, and one on Redis, at the same time. */
export async function measureFlood(
  server: TestServer,
  compiled: string,
  urls: number,
): Promise<readonly FloodLine[]> {
  const client = server.client()
  await client.flushall()
  const lines = await Promise.all(
    (['in process', 'L1 and Redis'] as const).map(async (store) => {
      const where = store === 'in process' ? [] : [`${server.url}/0`]
      const probe = startProbe(compiled, 'flood', [`${urls}`, `${capBytes}`, ...where])
      const found = await probe.ask<FloodResult>()
      await probe.end()
      const lasting = store === 'in process' ? 0 : await lastingKeys(client)
      return { ...found, store, urls, lasting }
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
  return lines.flatMap(({ store, urls, heldBytes, lasting, keys }) => {
    const most = capBytes + urls * besideBytes
    return [
      ...(heldBytes <= most
        ? []
        : [
            `${whole(urls)} URLs (${store}) should take at most ${mibOf(most)} MiB of a process, ` +
              `and they take ${mibOf(heldBytes)}`,
          ]),
      ...(lasting === 0 ? [] : [`${whole(lasting)} keys on Redis should end, and do not`]),
      ...(keys > 0 ? [] : [`Nothing was kept of ${whole(urls)} URLs (${store})`]),
    ]
  })
}

/** The lines as text. */
export function floodText(lines: readonly FloodLine[]): string {
  const rows = lines.map(({ store, urls, heldBytes, rssBytes, keys, lasting }) => [
    `${whole(urls)}, ${store}`,
    mibOf(heldBytes),
    mibOf(rssBytes),
    whole(keys),
    `${lasting}`,
  ])
  return [
    `Different URLs of 2 KB each, of which a process may keep ${mibOf(capBytes)} MiB: MiB by which its heap with its buffers, and RSS, have grown`,
    textTable([['URLs', 'held', 'RSS', 'keys', 'without TTL'], ...rows]),
  ].join('\n')
}

function mibOf(bytes: number): string {
  return (bytes / mib).toFixed(1)
}

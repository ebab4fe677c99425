import type { TestServer } from '../test/support/redis.ts'
import { startProbe } from './probe.ts'
import type { SizeResult } from './probes/size.ts'
import { whole } from './report.ts'
import { textTable } from './text-table.ts'

/** What a message takes beside its JSON, where 2,000 of about 500 bytes are kept. */
export interface SizeLine {
  readonly store: 'Redis' | 'in process'
  readonly how: 'append()' | 'turn()'
  readonly jsonBytes: number
  readonly bytesBeside: number
}

/** More than this on Redis is an error. */
const mostBeside = 150

type Client = ReturnType<TestServer['client']>

/** Stores the same conversation each way in each store, and weighs it. */
export async function measureSize(
  server: TestServer,
  compiled: string,
): Promise<readonly SizeLine[]> {
  const client = server.client()
  const lines: SizeLine[] = []
  for (const how of ['append', 'turn'] as const) {
    for (const store of ['Redis', 'in process'] as const) {
      await client.flushall()
      const probe = startProbe(compiled, 'size', [
        how,
        ...(store === 'Redis' ? [`${server.url}/0`] : []),
      ])
      const { messages, jsonBytes, heapBytes } = await probe.ask<SizeResult>()
      const bytes = store === 'Redis' ? await usedBy(client) : heapBytes
      await probe.end()
      lines.push({
        store,
        how: `${how}()`,
        jsonBytes: jsonBytes / messages,
        bytesBeside: (bytes - jsonBytes) / messages,
      })
    }
  }
  client.disconnect()
  return lines
}

/** Bytes of all keys, with what Redis needs to find them. */
async function usedBy(client: Client): Promise<number> {
  let bytes = 0
  for await (const keys of client.scanStream())
    for (const key of keys as string[])
      bytes += Number(await client.call('MEMORY', 'USAGE', key, 'SAMPLES', '0'))
  return bytes
}

/** Sentences about what takes too much. */
export function wrongSizes(lines: readonly SizeLine[]): string[] {
  return lines
    .filter(({ store, bytesBeside }) => store === 'Redis' && bytesBeside > mostBeside)
    .map(
      ({ how, bytesBeside }) =>
        `A message stored by ${how} should take at most ${mostBeside} bytes beside its JSON, ` +
        `and it takes ${whole(bytesBeside)}`,
    )
}

/** The lines as text. */
export function sizeText(lines: readonly SizeLine[]): string {
  const rows = lines.map(({ store, how, jsonBytes, bytesBeside }) => [
    `${how}, ${store}`,
    whole(jsonBytes),
    whole(bytesBeside),
  ])
  return [
    '2,000 messages: bytes of each as JSON, and beside that, ids and indexes included',
    textTable([['stored by', 'JSON', 'beside'], ...rows]),
  ].join('\n')
}

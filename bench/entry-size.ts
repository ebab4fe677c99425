import { eventually } from '../test/support/eventually.ts'
import type { TestServer } from '../test/support/redis.ts'
import { send } from './http-client.ts'
import { whole } from './report.ts'
import { serve } from './served.ts'

/** What an entry of 200 KB takes on Redis. */
export interface EntrySize {
  readonly bodyBytes: number
  /** Of its key, its fields and their values, but the body. */
  readonly storedBeside: number
  /** As `MEMORY USAGE` tells it, beside a hash that holds nothing but the same body. */
  readonly memoryBeside: number
}

/** More than this is an error. */
const mostBeside = 1024

/** Stores one answer and weighs it. */
export async function measureEntrySize(server: TestServer, compiled: string): Promise<EntrySize> {
  const client = server.client()
  await client.flushall()
  const served = await serve(compiled, 'express/memoryware/cache', `${server.url}/0`)
  try {
    const { body } = await send({ url: served.url, method: 'GET', path: '/answer200', fields: {} })
    const key = await eventually('the answer is kept', async () =>
      (await client.keys('cache:*')).find((each) => !each.includes(':fill:')),
    )
    const fields = await client.hgetallBuffer(key)
    const stored = Object.entries(fields).reduce(
      (sum, [name, value]) => sum + name.length + value.length,
      key.length,
    )
    const bodyBytes = Buffer.byteLength(body)
    await client.hset('alone', 'body', fields['body'] ?? '')
    const usage = async (of: string) => Number(await client.call('MEMORY', 'USAGE', of))
    const memoryBeside = (await usage(key)) - (await usage('alone'))
    return { bodyBytes, storedBeside: stored - bodyBytes, memoryBeside }
  } finally {
    client.disconnect()
    await served.end()
  }
}

/** Sentences about what takes too much. */
export function wrongEntrySize({ storedBeside, memoryBeside }: EntrySize): string[] {
  const wrong = (what: string, bytes: number) =>
    bytes <= mostBeside
      ? []
      : [
          `An entry of 200 KB should take at most ${whole(mostBeside)} bytes beside its body ` +
            `${what}, and it takes ${whole(bytes)}`,
        ]
  return [...wrong('as it is stored', storedBeside), ...wrong('in memory', memoryBeside)]
}

/** The size as text. */
export function entrySizeText({ bodyBytes, storedBeside, memoryBeside }: EntrySize): string {
  return (
    `An answer of ${whole(bodyBytes)} bytes in the cache, on Redis: ` +
    `${whole(storedBeside)} bytes beside it as stored, ${whole(memoryBeside)} in memory`
  )
}

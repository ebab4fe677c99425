import type { Redis } from 'ioredis'
import { escapePattern } from '../../keys.ts'

const piece = 500

/**
 * Walks the keys that match, in pieces; a piece may repeat keys of earlier ones, as SCAN may.
 * The client's `keyPrefix`, which SCAN ignores, is put before the pattern and taken off the keys.
 */
export async function* scan(client: Redis, pattern: string): AsyncGenerator<string[]> {
  const prefix = client.options.keyPrefix ?? ''
  const match = escapePattern(prefix) + pattern
  let cursor = '0'
  do {
    const [next, keys] = await client.scan(cursor, 'MATCH', match, 'COUNT', piece)
    cursor = next
    if (keys.length > 0) yield keys.map((key) => key.slice(prefix.length))
  } while (cursor !== '0')
}

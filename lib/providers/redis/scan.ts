import { escapePattern } from '../../keys.ts'
import type { Client } from './open-client.ts'
import { servers } from './servers.ts'

const piece = 500

/**
 * Walks the keys that match, in pieces, server by server; a piece may repeat keys of earlier ones,
 * as SCAN may, and as a slot that moves meanwhile does. The client's `keyPrefix`, which SCAN
 * ignores, is put before the pattern and taken off the keys.
 */
export async function* scan(client: Client, pattern: string): AsyncGenerator<string[]> {
  const prefix = client.options.keyPrefix ?? ''
  const match = escapePattern(String(prefix)) + pattern
  for (const server of servers(client)) {
    let cursor = '0'
    do {
      const [next, keys] = await server.scan(cursor, 'MATCH', match, 'COUNT', piece)
      cursor = next
      if (keys.length > 0) yield keys.map((key) => key.slice(prefix.length))
    } while (cursor !== '0')
  }
}

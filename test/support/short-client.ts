import type { Redis } from 'ioredis'
import type { TestServer } from './redis.ts'

/**
 * Lends a connection of its own to `use`, once it stands. Rejects instead of waiting for a server
 * that is away, and after `withinMs` without an answer.
 */
export async function withClient<T>(
  server: TestServer,
  use: (client: Redis) => Promise<T>,
  { withinMs = 1_000 } = {},
): Promise<T> {
  const client = server.client({
    lazyConnect: true,
    enableReadyCheck: false,
    disableClientInfo: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    connectTimeout: withinMs,
    commandTimeout: withinMs,
  })
  try {
    await client.connect()
    return await use(client)
  } finally {
    client.disconnect()
  }
}

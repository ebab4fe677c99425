import { StoreError } from '../../errors.ts'
import type { Connection } from './connection.ts'
import { type Client, isCluster } from './open-client.ts'

const lookEveryMs = 50
const patienceMs = 250

/**
 * The client, once it is ready. Where a single server is in trouble, nobody waits for long: a second
 * would not help. Of several servers the driver may have asked first one that does not answer: it
 * takes a second to ask another.
 */
export async function reached(connection: Connection): Promise<Client> {
  const { client } = connection
  if (isCluster(client) || client.options.sentinels?.length)
    return connection.look().catch(() => connection.look())
  let timer: NodeJS.Timeout | undefined
  const lost = new Promise<never>((_, reject) => {
    let since: number | undefined
    timer = setInterval(() => {
      since = connection.trouble === undefined ? undefined : (since ?? performance.now())
      if (since !== undefined && performance.now() - since >= patienceMs)
        reject(new StoreError('look', 'unavailable', { outcome: 'not-sent' }))
    }, lookEveryMs)
  })
  try {
    return await Promise.race([connection.look(), lost])
  } finally {
    clearInterval(timer)
  }
}

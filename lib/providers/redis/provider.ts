import { Redis } from 'ioredis'
import { OptionError } from '../../errors.ts'
import type { Provider } from '../../ports/provider.ts'
import { redisBudgets } from './budgets.ts'
import { type Address, connect, openClient } from './client.ts'
import { redisEntries } from './entries.ts'
import { redisHistory } from './history.ts'
import { redisKeyValue } from './key-value.ts'

/** Where Redis is, or the client to use. */
export interface RedisProviderOptions extends Address {
  /** A standalone ioredis client of the caller's; it is not closed with the store. */
  readonly client?: Redis | undefined
}

/**
 * Keeps everything in one standalone Redis, over one connection.
 *
 * @throws OptionError for a `client` that is no ioredis client, or is given along with an address.
 */
export function redisProvider({ client, ...address }: RedisProviderOptions): Provider {
  if (client !== undefined) checkClient(client, address)
  const connection = connect(client ?? openClient(address), { owned: client === undefined })
  return {
    name: 'redis',
    ...redisKeyValue(connection),
    history: redisHistory(connection),
    budgets: redisBudgets(connection),
    entries: redisEntries(connection),
    onReady: connection.onReady,
    close: connection.close,
  }
}

function checkClient(client: Redis, address: Address): void {
  const also = Object.entries(address).find(([, value]) => value !== undefined)
  if (also) throw new OptionError(also[0], 'absent where `client` is given', also[1])
  // Another copy of ioredis has another class, so the shape decides.
  const standalone =
    typeof client?.evalsha === 'function' && typeof client.status === 'string' && !client.isCluster
  if (!(client instanceof Redis) && !standalone)
    throw new OptionError('client', 'a standalone ioredis client', client)
  if (client.options.stringNumbers)
    throw new OptionError('client', 'a client without `stringNumbers`', client)
}

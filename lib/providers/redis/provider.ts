import { OptionError } from '../../errors.ts'
import { wholeNumber } from '../../options.ts'
import type { Provider } from '../../ports/provider.ts'
import { type Address, checkAddress } from './address.ts'
import { redisBudgets } from './budgets.ts'
import { redisBus } from './bus.ts'
import { redisCheckup } from './checkup.ts'
import { redisEntries } from './entries.ts'
import { redisFields } from './fields.ts'
import { redisFills } from './fills.ts'
import { redisHistory } from './history.ts'
import { redisInspection } from './inspect.ts'
import { redisKeyValue } from './key-value.ts'
import { type Client, isCluster } from './open-client.ts'
import { checkPool, openPool, type PoolOptions } from './pool.ts'
import { redisTurns } from './turns.ts'

/** Where Redis is, or the client to use. */
export interface RedisProviderOptions extends Address {
  /**
   * An ioredis client of the caller's (5.10 or newer, also of iovalkey), of one server or a Cluster;
   * it is not closed with the store.
   */
  readonly client?: RedisClient | undefined
  /** Connections by purpose. @default one for all commands, one more once something subscribes */
  readonly pool?: PoolOptions | undefined
  /** Bytes of one value; larger ones would hold up the others and are refused. @default 16_777_216 (16 MiB) */
  readonly maxValueBytes?: number | undefined
}

/** What an ioredis client has, whichever copy or fork of ioredis made it. */
export interface RedisClient {
  /** Such as `ready`. */
  readonly status: string
  /** What it was made with. */
  readonly options: object
  /** Sends any command. */
  call(command: string, ...args: (string | Buffer | number)[]): Promise<unknown>
  /** Another like it. */
  duplicate(): unknown
}

/**
 * Keeps everything in Redis: one server, one that Sentinels know, or a Cluster.
 *
 * @throws OptionError for a wrong option, a `client` that is no ioredis client, or one that is given
 * along with an address.
 */
export function redisProvider({
  client,
  pool: lanes = {},
  maxValueBytes = 16 * 1024 * 1024,
  ...address
}: RedisProviderOptions): Provider {
  if (client === undefined) checkAddress(address)
  else checkClient(client, address)
  checkPool(lanes)
  wholeNumber('maxValueBytes', maxValueBytes)
  const from = client === undefined ? { address } : { client: client as unknown as Client }
  const pool = openPool(from, lanes)
  const bus = redisBus(pool)
  return {
    name: 'redis',
    ...redisKeyValue(pool, { maxValueBytes }),
    history: redisHistory(pool),
    budgets: redisBudgets(pool),
    entries: redisEntries(pool, { maxValueBytes }),
    fills: redisFills(pool, bus),
    inspection: redisInspection(pool),
    checkup: redisCheckup(pool),
    bus,
    turns: redisTurns(pool, bus),
    fields: redisFields(pool),
    parts: pool.parts,
    onReady: pool.onReady,
    async close() {
      await Promise.all([bus.close(), pool.close()])
    },
  }
}

function checkClient(given: RedisClient, address: Address): void {
  const also = Object.entries(address).find(([, value]) => value !== undefined)
  if (also) throw new OptionError(also[0], 'absent where `client` is given', also[1])
  // Another copy of ioredis has another class, so the shape decides.
  const client = given as unknown as Partial<Client>
  if (typeof client?.evalsha !== 'function' || typeof client.status !== 'string')
    throw new OptionError('client', 'an ioredis client', given)
  const options = isCluster(client as Client) ? given.options : client.options
  const { stringNumbers } = { ...redisOptionsOf(options), ...options } as {
    stringNumbers?: boolean
  }
  if (stringNumbers) throw new OptionError('client', 'a client without `stringNumbers`', given)
}

function redisOptionsOf(options: { readonly redisOptions?: object } | undefined): object {
  return options?.redisOptions ?? {}
}

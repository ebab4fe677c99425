import { Redis } from 'ioredis'
import type { Call, Wait } from '../../deadline.ts'
import { OptionError, StoreError } from '../../errors.ts'
import { notice } from '../../notice.ts'
import { publish } from '../../telemetry.ts'
import { storeError } from './failure.ts'

/** Where a standalone Redis is. */
export interface Address {
  /** `redis://user:password@host:6379/0`, `rediss://…` for TLS, `unix:///path` for a socket. */
  readonly url?: string | undefined
  /** Name or address of the server. @default 'localhost' */
  readonly host?: string | undefined
  /** Its port. @default 6379 */
  readonly port?: number | undefined
  /** Number of the database. @default 0 */
  readonly db?: number | undefined
  /** An ACL user. @default the default user */
  readonly username?: string | undefined
  /** Of that user. @default none */
  readonly password?: string | undefined
  /** Certificate authority, as PEM: connects with TLS. */
  readonly ca?: string | undefined
}

/** One shared connection for commands. */
export interface Connection {
  readonly client: Redis
  /**
   * Sends once the client is ready, within the call's deadline. Where `again` says that a second
   * time does no harm, a command lost with its connection is sent once more in the time that is left.
   */
  send<T>(
    operation: string,
    command: (client: Redis) => Promise<T>,
    options: { readonly again: boolean },
    call?: Call,
  ): Promise<T>
  onReady(listener: () => void): void
  close(): Promise<void>
}

const quitWithinMs = 1000
const longestWaitMs = 1000

/** Connects to Redis with options under which nothing hangs, queues without bound or is sent twice. */
export function openClient({ url, ca, ...address }: Address): Redis {
  const { db: _, ...elsewhere } = address
  if (url !== undefined && Object.values(elsewhere).some((part) => part !== undefined))
    throw new OptionError(
      'url',
      'given without host, port, username and password',
      url.replace(/\/\/.*@/, '//…@'),
    )
  const given = Object.fromEntries(
    Object.entries(address).filter(([, value]) => value !== undefined),
  )
  const options = {
    ...given,
    ...(ca === undefined ? {} : { tls: { ca } }),
    ...bounded,
  }
  return url === undefined ? new Redis(options) : new Redis(url.replace(/^unix:\/\//, ''), options)
}

const bounded = {
  // RESP3 reads integers above 2^53 as others.
  protocol: 2 as const,
  connectTimeout: 1000,
  // The only cure for a peer that is gone without a word. There is no commandTimeout: the deadline
  // is ours, and the driver's would refuse replies that came while this process was busy.
  socketTimeout: 1000,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  enableOfflineQueue: false,
  retryStrategy: (attempt: number) =>
    Math.min(50 * 2 ** Math.min(attempt - 1, 4), 500) + Math.random() * 50,
  reconnectOnError: (error: Error) =>
    /^(READONLY|UNBLOCKED)/.test(error.message) ? (1 as const) : false,
  enableReadyCheck: true,
  connectionName: 'memoryware',
}

/** Shares one client. A client the caller handed in is left open by `close()`. */
export function connect(client: Redis, { owned }: { owned: boolean }): Connection {
  if (!owned) adviseOn(client)
  const health = watch(client)
  if (client.status === 'wait') client.connect().catch(() => {})
  const ready = readiness(client)

  return {
    client,
    async send(operation, command, { again }, call) {
      const wait = call?.wait ?? { over: false, sent: undefined }
      wait.sent = false
      if (client.status !== 'ready') await ready(operation, wait)
      if (health.wrongDatabase) throw notReady(operation, health.wrongDatabase)
      wait.sent = true
      try {
        return await command(client)
      } catch (error) {
        const failure = storeError(operation, error)
        if (!again || failure.reason !== 'unavailable') throw failure
        await ready(operation, wait)
        return await command(client).catch((second: unknown) => {
          throw storeError(operation, second)
        })
      }
    },
    onReady: (listener) => {
      client.on('ready', listener)
    },
    close: async () => {
      if (owned) await quit(client)
    },
  }
}

const refusal = /^(NOAUTH|WRONGPASS|NOPERM|ERR (DB index|invalid DB|AUTH|max number of clients))/

/** Says once what is wrong with the connection, and keeps what makes it unusable. */
function watch(client: Redis): { readonly wrongDatabase: Error | undefined } {
  const { path, host, port } = client.options
  const where = path ?? `${host}:${port}`
  let wrongDatabase: Error | undefined
  let wasReady = false
  client.on('ready', () => {
    wasReady = true
  })
  client.on('error', (error: Error) => {
    publish('error', () => ({ during: 'connection', error: storeError('connect', error) }))
    // The driver goes on with database 0, which belongs to somebody else.
    if (/^ERR (DB index|invalid DB)/.test(error.message)) wrongDatabase = error
    if (refusal.test(error.message))
      notice(
        'MEMORYWARE_REDIS_REFUSES',
        `Redis at ${where} refuses the connection: ${error.message}`,
      )
    else if (!wasReady)
      notice(
        'MEMORYWARE_REDIS_AWAY',
        `Redis at ${where} cannot be reached: starting without it, until it can`,
      )
  })
  return {
    get wrongDatabase() {
      return wrongDatabase
    },
  }
}

/**
 * Waits until the client is ready. Fails without sending anything when nobody waits any more, or
 * after a second where nobody says so.
 */
function readiness(client: Redis): (operation: string, wait: Wait) => Promise<void> {
  const waiting = new Set<() => void>()
  client.on('ready', () => {
    for (const go of waiting) go()
  })
  return async (operation, wait) => {
    if (client.status !== 'ready' && client.status !== 'end') {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(go, longestWaitMs)
        function go(): void {
          waiting.delete(go)
          clearTimeout(timer)
          resolve()
        }
        waiting.add(go)
      })
    }
    if (client.status !== 'ready' || wait.over) throw notReady(operation)
  }
}

function notReady(operation: string, cause?: Error): StoreError {
  return new StoreError(operation, 'unavailable', { cause, outcome: 'not-sent' })
}

function adviseOn({ options }: Redis): void {
  if (options.socketTimeout === undefined)
    notice(
      'MEMORYWARE_CLIENT_TIMEOUTS',
      'The Redis client handed in has no socketTimeout: while Redis does not answer, commands pile up in it',
    )
}

async function quit(client: Redis): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, quitWithinMs)
  })
  await Promise.race([client.quit().catch(() => {}), patience])
  clearTimeout(timer)
  client.disconnect()
}

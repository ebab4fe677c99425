import { Redis } from 'ioredis'
import type { Call, Wait } from '../../deadline.ts'
import { OptionError, StoreError } from '../../errors.ts'
import { notice } from '../../notice.ts'
import { storeError } from './failure.ts'
import { watch } from './health.ts'
import { notReady, readiness } from './readiness.ts'

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
    ...limits,
  }
  return url === undefined ? new Redis(options) : new Redis(url.replace(/^unix:\/\//, ''), options)
}

const limits = {
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
  const selected = owned ? undefined : selection(client)
  const listeners: (() => void)[] = []
  const running = new Set<Promise<unknown>>()
  let closed = false

  async function attempt<T>(
    operation: string,
    command: (client: Redis) => Promise<T>,
    { again, wait }: { again: boolean; wait: Wait },
  ): Promise<T> {
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
  }

  return {
    client,
    async send(operation, command, { again }, call) {
      const wait = call?.wait ?? { over: false, sent: undefined }
      wait.sent = false
      if (closed) throw notReady(operation)
      if (client.status !== 'ready') await ready(operation, wait)
      await selected?.()
      if (wait.over || health.wrongDatabase) throw notReady(operation, health.wrongDatabase)
      wait.sent = true
      const sent = attempt(operation, command, { again, wait })
      running.add(sent)
      return sent.finally(() => running.delete(sent))
    },
    onReady: (listener) => {
      listeners.push(listener)
      client.on('ready', listener)
    },
    close: async () => {
      closed = true
      await settled(running)
      for (const listener of listeners) client.off('ready', listener)
      ready.stop()
      if (owned) await quit(client)
      else health.stop()
    },
  }
}

/**
 * Makes sure that a client handed in is on its database: where that one is not there, it said so
 * before anybody listened, and went on with database 0.
 */
function selection(client: Redis): (() => Promise<void>) | undefined {
  const { db } = client.options
  if (!db) return undefined
  let done: Promise<unknown> | undefined
  return async () => {
    done ??= client.select(db)
    try {
      await done
    } catch (cause) {
      // A connection that was lost meanwhile is no answer: the next call asks again.
      done = undefined
      throw new StoreError('select', 'unavailable', { cause, outcome: 'not-sent' })
    }
  }
}

/** Waits for what has been sent, for a second at most. */
async function settled(running: ReadonlySet<Promise<unknown>>): Promise<void> {
  if (running.size === 0) return
  await bounded(Promise.allSettled(running))
}

function adviseOn({ options }: Redis): void {
  if (options.socketTimeout === undefined)
    notice(
      'MEMORYWARE_CLIENT_TIMEOUTS',
      'The Redis client handed in has no socketTimeout: while Redis does not answer, commands pile up in it',
    )
}

async function quit(client: Redis): Promise<void> {
  await bounded(client.quit().catch(() => {}))
  client.disconnect()
}

async function bounded(work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, quitWithinMs)
  })
  await Promise.race([work, patience])
  clearTimeout(timer)
}

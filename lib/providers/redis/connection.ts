import type { Call, Wait } from '../../deadline.ts'
import { StoreError } from '../../errors.ts'
import { advise } from './advice.ts'
import { bounded } from './bounded.ts'
import { storeError } from './failure.ts'
import { gather } from './gathered.ts'
import { watch } from './health.ts'
import { type Client, isCluster } from './open-client.ts'
import { notReady, readiness } from './readiness.ts'

const closesWithinMs = 500
const beginsAnewMs = 50

/** A connection that callers share; of a Cluster, one to each node. */
export interface Connection {
  readonly client: Client
  /**
   * Sends once the client is ready, within the call's deadline. Where `again` says that a second
   * time does no harm, a command lost with its connection is sent once more in the time that is left.
   */
  send<T>(
    operation: string,
    command: (client: Client) => Promise<T>,
    options: { readonly again: boolean },
    call?: Call,
  ): Promise<T>
  /**
   * The client, once it is ready and on its database, to look around with: what it is refused then is
   * no failure, and nobody is told of it.
   */
  look(): Promise<Client>
  /** What is wrong with it now; nothing where it is ready, or nothing was said. */
  readonly trouble: string | undefined
  /** It was not handed in. */
  readonly owned: boolean
  onReady(listener: () => void): void
  /** Waits for what has been sent, and quits: for half a second at most. */
  close(): Promise<void>
}

/** Shares one client. A client the caller handed in is left open by `close()`. */
export function connect(client: Client, { owned }: { owned: boolean }): Connection {
  const health = watch(client)
  const advice = advise(client, { owned })
  if (client.status === 'wait') client.connect().catch(() => {})
  const ready = readiness(client)
  const selected = owned ? undefined : selection(client)
  const listeners: (() => void)[] = []
  const running = new Set<Promise<unknown>>()
  let closed = false
  if (owned) revive(client, () => closed)

  async function attempt<T>(
    operation: string,
    command: (client: Client) => Promise<T>,
    { again, wait }: { again: boolean; wait: Wait },
  ): Promise<T> {
    try {
      return await command(client)
    } catch (error) {
      const failure = storeError(operation, error)
      health.refused(error)
      if (failure.reason !== 'unavailable') throw failure
      // Whoever holds the slot now, its old master does not tell any more.
      if (isCluster(client)) client.refreshSlotsCache(() => {})
      if (!again) throw failure
      await ready(operation, wait)
      return await command(client).catch((second) => raise(operation, second))
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
      gather(client)
      const sent = attempt(operation, command, { again, wait })
      running.add(sent)
      return sent.finally(() => running.delete(sent))
    },
    async look() {
      if (closed) throw notReady('look')
      await ready('look', { over: false, sent: undefined })
      await selected?.()
      if (health.wrongDatabase) throw notReady('look', health.wrongDatabase)
      return client
    },
    get trouble() {
      return health.wrongDatabase?.message ?? health.trouble
    },
    owned,
    onReady: (listener) => {
      listeners.push(listener)
      client.on('ready', listener)
    },
    close: async () => {
      closed = true
      const endMs = performance.now() + closesWithinMs
      if (running.size > 0) await bounded(closesWithinMs, Promise.allSettled(running))
      for (const listener of listeners) client.off('ready', listener)
      ready.stop()
      advice.stop()
      if (owned) await quit(client, endMs - performance.now())
      else health.stop()
    },
  }
}

async function quit(client: Client, withinMs: number): Promise<void> {
  await bounded(withinMs, client.quit())
  client.disconnect()
}

function raise(operation: string, error: unknown): never {
  throw storeError(operation, error)
}

/**
 * A failover that the Sentinels tell of while the driver connects ends it for good, whatever its
 * retryStrategy says: nobody else would begin anew.
 */
function revive(client: Client, closed: () => boolean): void {
  const anew = () => {
    if (!closed()) client.connect().catch(() => {})
  }
  client.on('end', () => void setTimeout(anew, beginsAnewMs).unref())
}

/**
 * Makes sure that a client handed in is on its database: where that one is not there, it said so
 * before anybody listened, and went on with database 0.
 */
function selection(client: Client): (() => Promise<void>) | undefined {
  const db = isCluster(client) ? undefined : client.options.db
  if (isCluster(client) || !db) return undefined
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

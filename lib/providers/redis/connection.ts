import type { Call, Wait } from '../../deadline.ts'
import { advise } from './advice.ts'
import { bounded } from './bounded.ts'
import { storeError } from './failure.ts'
import { gather } from './gathered.ts'
import { type Health, watch } from './health.ts'
import { type Client, isCluster } from './open-client.ts'
import { notReady, type Readiness, readiness } from './readiness.ts'
import { type Selection, selection } from './selection.ts'
import { type UnderWay, underWay } from './under-way.ts'

const closesWithinMs = 500
const beginsAnewMs = 50

interface SendOptions {
  readonly again: boolean
  readonly weight?: number
}

/** A connection that callers share; of a Cluster, one to each node. */
export interface Connection {
  readonly client: Client
  /**
   * Sends once the client is ready, within the call's deadline. Where `again` says that a second
   * time does no harm, a command lost with its connection is sent once more in the time that is left.
   * `weight` tells how many plain commands it takes Redis as long for. @default 1
   */
  send<T>(
    operation: string,
    command: (client: Client) => Promise<T>,
    options: SendOptions,
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
  const running = underWay()
  let closed = false
  if (owned) revive(client, () => closed)

  return {
    client,
    send: sender(client, { health, ready, selected, running, closed: () => closed }),
    async look() {
      if (closed) throw notReady('look')
      await ready('look', { over: false, sent: undefined })
      await selected?.once()
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
      await bounded(closesWithinMs, running.settled())
      for (const listener of listeners) client.off('ready', listener)
      ready.stop()
      advice.stop()
      if (owned) await quit(client, endMs - performance.now())
      else health.stop()
    },
  }
}

interface Parts {
  readonly health: Health
  readonly ready: Readiness
  readonly selected: Selection | undefined
  readonly running: UnderWay
  readonly closed: () => boolean
}

function sender(
  client: Client,
  { health, ready, selected, running, closed }: Parts,
): Connection['send'] {
  async function prepare(operation: string, wait: Wait): Promise<void> {
    if (client.status !== 'ready') await ready(operation, wait)
    await selected?.once()
  }

  async function sentAgain<T>(
    { operation, command, again, wait }: Sending<T>,
    error: unknown,
  ): Promise<T> {
    const failure = storeError(operation, error)
    health.refused(error)
    if (failure.reason !== 'unavailable') throw failure
    // Whoever holds the slot now, its old master does not tell any more.
    if (isCluster(client)) client.refreshSlotsCache(() => {})
    if (!again) throw failure
    await ready(operation, wait)
    return started(client, command).catch((second) => raise(operation, second))
  }

  function sendNow<T>(sending: Sending<T>): Promise<T> {
    const { operation, command, weight, wait } = sending
    if (wait.over || health.wrongDatabase)
      return Promise.reject(notReady(operation, health.wrongDatabase))
    wait.sent = true
    gather(client, weight)
    running.begin()
    return started(client, command).then(
      (reply) => {
        running.end()
        return reply
      },
      (error: unknown) => sentAgain(sending, error).finally(running.end),
    )
  }

  return (operation, command, { again, weight = 1 }, call) => {
    const wait = call?.wait ?? { over: false, sent: undefined }
    wait.sent = false
    if (closed()) return Promise.reject(notReady(operation))
    const sending = { operation, command, again, weight, wait }
    // Nearly always: it leaves in the caller's turn, with what else is asked for there.
    if (client.status === 'ready' && (selected === undefined || selected.done))
      return sendNow(sending)
    return prepare(operation, wait).then(() => sendNow(sending))
  }
}

interface Sending<T> {
  readonly operation: string
  readonly command: (client: Client) => Promise<T>
  readonly again: boolean
  readonly weight: number
  readonly wait: Wait
}

async function quit(client: Client, withinMs: number): Promise<void> {
  await bounded(withinMs, client.quit())
  client.disconnect()
}

/** Some commands of the driver throw at once what is wrong with their arguments. */
function started<T>(client: Client, command: (client: Client) => Promise<T>): Promise<T> {
  try {
    return command(client)
  } catch (error) {
    return Promise.reject(error)
  }
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

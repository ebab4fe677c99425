import { notice } from '../../notice.ts'
import { publish } from '../../telemetry.ts'
import { storeError } from './failure.ts'
import { type Client, isCluster } from './open-client.ts'

const refusal =
  /^(NOAUTH|WRONGPASS|NOPERM|ERR (DB index|invalid DB|AUTH|max number of clients|The user executing the script))/

/** What is wrong with a connection. */
export interface Health {
  /** The database that was asked for is not there. */
  readonly wrongDatabase: Error | undefined
  /** What was last wrong, until it was ready again: a refusal rather than what follows from it. */
  readonly trouble: string | undefined
  /** A command has failed: says once where Redis does not let this user do what it must. */
  refused(error: unknown): void
  /** Listens no longer. */
  stop(): void
}

/** Says once what is wrong with the connection, and keeps what makes it unusable. */
export function watch(client: Client): Health {
  const where = placeOf(client)
  let wrongDatabase: Error | undefined
  let trouble: Error | undefined
  let wasReady = client.status === 'ready'
  let saidAway = false
  const onReady = () => {
    wasReady = true
    trouble = undefined
  }
  const onError = (error: Error) => {
    publish('error', () => ({ during: 'connection', error: storeError('connect', error) }))
    // The driver goes on with database 0, which belongs to somebody else.
    if (/^ERR (DB index|invalid DB)/.test(error.message)) wrongDatabase = error
    const cause = rootOf(error)
    if (trouble === undefined || !refusal.test(trouble.message)) trouble = cause
    if (refusal.test(cause.message)) refuses(where, cause)
    else if (!wasReady && !saidAway) {
      saidAway = true
      notice(
        'MEMORYWARE_REDIS_AWAY',
        `Redis at ${where} cannot be reached: starting without it, until it can (${reasonOf(cause)})`,
      )
    }
  }
  client.on('ready', onReady)
  client.on('error', onError)
  // A Cluster tells of one node's errors by an event of its own.
  client.on('node error', onError)
  return {
    get wrongDatabase() {
      return wrongDatabase
    },
    get trouble() {
      return trouble && reasonOf(trouble)
    },
    refused(error) {
      if (error instanceof Error && refusal.test(error.message)) refuses(where, error)
    },
    stop() {
      client.off('ready', onReady)
      client.off('error', onError)
      client.off('node error', onError)
    },
  }
}

// Redis adds which script it was, and the line: there are dozens, and one right is missing.
const inScript = / script: \w+, on @user_script:\d+\.?$/

function refuses(where: string, { message }: Error): void {
  notice(
    'MEMORYWARE_REDIS_REFUSES',
    `Redis at ${where} refuses the connection or a command: ${message.replace(inScript, '')}`,
  )
}

/** Where a client finds its server, without user and password. */
export function placeOf(client: Client): string {
  if (isCluster(client)) return 'the nodes of the Cluster'
  const { path, host, port, sentinels, name } = client.options
  if (sentinels?.length) return `the master ${name} of the Sentinels`
  return path ?? `${host}:${port}`
}

/** What the last node said, where a Cluster or the Sentinels have all failed. */
function rootOf(error: Error & { readonly lastNodeError?: unknown }): Error {
  if (error.lastNodeError instanceof Error) return error.lastNodeError
  const [, last] = / Last error: (.+)$/s.exec(error.message) ?? []
  return last === undefined ? error : new Error(last)
}

/** What went wrong, without addresses: an operator reads it once, whichever node it was. */
function reasonOf(error: Error & { readonly code?: unknown }): string {
  if (typeof error.code === 'string' && error.code !== '') return error.code
  // Of Sentinels the driver tells how long it waits: another time each time.
  return error.message.replace(/ Retrying from scratch after [\d.]+ms\./, '')
}

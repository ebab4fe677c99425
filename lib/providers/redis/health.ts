import type { Redis } from 'ioredis'
import { notice } from '../../notice.ts'
import { publish } from '../../telemetry.ts'
import { storeError } from './failure.ts'

const refusal = /^(NOAUTH|WRONGPASS|NOPERM|ERR (DB index|invalid DB|AUTH|max number of clients))/

/** What is wrong with a connection. */
export interface Health {
  /** The database that was asked for is not there. */
  readonly wrongDatabase: Error | undefined
  /** Listens no longer. */
  stop(): void
}

/** Says once what is wrong with the connection, and keeps what makes it unusable. */
export function watch(client: Redis): Health {
  const { path, host, port } = client.options
  const where = path ?? `${host}:${port}`
  let wrongDatabase: Error | undefined
  let wasReady = client.status === 'ready'
  const onReady = () => {
    wasReady = true
  }
  const onError = (error: Error) => {
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
  }
  client.on('ready', onReady)
  client.on('error', onError)
  return {
    get wrongDatabase() {
      return wrongDatabase
    },
    stop() {
      client.off('ready', onReady)
      client.off('error', onError)
    },
  }
}

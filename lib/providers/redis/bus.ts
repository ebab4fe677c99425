import type { Call } from '../../deadline.ts'
import type { PubSub } from '../../ports/pub-sub.ts'
import { redacted } from '../../redact.ts'
import { publish } from '../../telemetry.ts'
import { bounded } from './bounded.ts'
import { type Connection, connect } from './connection.ts'
import type { Client } from './open-client.ts'
import type { Pool } from './pool.ts'
import { serverOf } from './servers.ts'

type Listener = (message: Buffer) => void

const resumeAfterMs = 1000
const leavesWithinMs = 150

/** Messages over Redis. */
export interface RedisBus extends PubSub {
  /** Ends the connection that listens. */
  close(): Promise<void>
}

/**
 * Publishes over the connection for commands, and listens over one of its own, made at the first
 * subscription. On a Cluster a message reaches every node.
 */
export function redisBus(pool: Pool): RedisBus {
  const channels = new Map<string, Set<Listener>>()
  let line: Line | undefined

  function open(): Line {
    const { client, alone } = pool.listener()
    const connection = alone ? connect(client, { owned: true }) : pool.first
    const hear = (channel: Buffer, message: Buffer) => {
      for (const listener of channels.get(channel.toString()) ?? []) listener(message)
    }
    client.on('messageBuffer', hear)
    const rest = alone ? resuming(client, connection, () => [...channels.keys()]) : () => {}
    const stop = () => {
      rest()
      client.off('messageBuffer', hear)
    }
    return { connection, alone, stop }
  }

  async function leave(channel: string, listener: Listener): Promise<void> {
    const listeners = channels.get(channel)
    if (!listeners?.delete(listener) || listeners.size > 0) return
    channels.delete(channel)
    if (line === undefined) return
    // Where the connection is lost, so is the subscription. A Redis that hangs is not waited for.
    await bounded(
      leavesWithinMs,
      line.connection.send('unsubscribe', (client) => client.unsubscribe(channel), once),
    )
  }

  async function join(channel: string, call: Call | undefined): Promise<void> {
    line ??= open()
    await line.connection.send('subscribe', (client) => client.subscribe(channel), once, call)
  }

  return {
    async publish(channel, message, call) {
      const bytes = redacted(message)
      const slot = pool.slotOf(channel)
      // Always through the same node, so that the order holds.
      const send = (client: Client) => (serverOf(client, slot) ?? client).publish(channel, bytes)
      await pool.of(channel).send('publish', send, once, call)
    },
    async subscribe(channel, listener, call) {
      // A function of its own: the same listener may be there twice.
      const own: Listener = (message) => listener(message)
      const listeners = channels.get(channel) ?? new Set()
      channels.set(channel, listeners.add(own))
      try {
        await join(channel, call)
      } catch (error) {
        await leave(channel, own)
        throw error
      }
      if (call?.wait?.over) await leave(channel, own)
      return () => leave(channel, own)
    },
    async close() {
      channels.clear()
      line?.stop()
      if (line?.alone) await line.connection.close()
    },
  }
}

/** The connection that listens. */
interface Line {
  readonly connection: Connection
  readonly alone: boolean
  stop(): void
}

const once = { again: false }

/**
 * Listens again on each new connection of a client; where that may not be, a second later. Gives a
 * function that ends it.
 */
function resuming(
  client: Client,
  connection: Connection,
  channels: () => readonly string[],
): () => void {
  let again: NodeJS.Timeout | undefined
  const resume = () => {
    clearTimeout(again)
    const names = channels()
    if (names.length === 0) return
    connection
      .send('subscribe', () => client.subscribe(...names), once)
      .catch((error: unknown) => {
        publish('error', () => ({ during: 'subscribe', error }))
        again = setTimeout(resume, resumeAfterMs).unref()
      })
  }
  client.on('ready', resume)
  return () => {
    clearTimeout(again)
    client.off('ready', resume)
  }
}

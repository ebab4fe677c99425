import type { Socket } from 'node:net'
import type { TestServer } from '../test/support/redis.ts'
import { connectBehind, startTcpProxy, type TcpProxy } from '../test/support/tcp-proxy.ts'

/** A proxy that makes Redis seem further away. */
export interface DistantProxy extends TcpProxy {
  /** From now on replies pass so much later; at first they pass at once. */
  delay(ms: number): void
}

/** Starts one in front of `target`. */
export async function startDistantProxy(target: TestServer): Promise<DistantProxy> {
  let delayMs = 0
  const proxy = await startTcpProxy(target, (client) => {
    const server = connectBehind(client, target)
    const pass = lateTo(client)
    client.on('data', (bytes) => server.write(bytes))
    server.on('data', (bytes) => pass(bytes, delayMs))
  })
  return {
    ...proxy,
    delay(ms) {
      delayMs = ms
    },
  }
}

/**
 * Writes late, and in order. Timers of Node count whole milliseconds and may take two for one: here
 * the event loop turns until it is time. What waits for Redis meanwhile is on another core, or idle.
 */
function lateTo(client: Socket): (bytes: Buffer, delayMs: number) => void {
  const waiting: { readonly at: number; readonly bytes: Buffer }[] = []
  function passDue(): void {
    const now = performance.now()
    for (let next = waiting[0]; next !== undefined && next.at <= now; next = waiting[0]) {
      waiting.shift()
      client.write(next.bytes)
    }
    if (waiting.length > 0) setImmediate(passDue)
  }
  return (bytes, delayMs) => {
    waiting.push({ at: performance.now() + delayMs, bytes })
    if (waiting.length === 1) passDue()
  }
}

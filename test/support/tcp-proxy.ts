import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { TestServer } from './redis.ts'

/** What stands between a client and a Redis server, on a port of its own of 127.0.0.1. */
export interface TcpProxy {
  /** The server's URL, with the proxy's port in it. */
  readonly url: string
  readonly host: string
  readonly port: number
  /** Resets every connection and stops listening. */
  close(): Promise<void>
}

/** Listens, and hands every connection to `accept`. Sockets left at the end are reset. */
export async function startTcpProxy(
  target: Pick<TestServer, 'url'>,
  accept: (client: Socket) => void,
): Promise<TcpProxy> {
  const open = new Set<Socket>()
  const listener = createServer({ noDelay: true }, (client) => {
    open.add(client)
    client.on('error', () => {}) // A reset is what these proxies are for.
    client.once('close', () => open.delete(client))
    accept(client)
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  if (typeof address !== 'object' || address === null) throw new Error('The proxy has no port')
  const url = new URL(target.url)
  url.port = `${address.port}`
  return {
    url: url.href,
    host: '127.0.0.1',
    port: address.port,
    async close() {
      const closed = once(listener, 'close')
      listener.close()
      for (const client of open) reset(client)
      await closed
    },
  }
}

/**
 * Resets a connection (RST). Node ends it in order first; where it breaks in that moment, the process
 * can not end any more: here the order is left out, and what has ended is left alone.
 */
export function reset(client: Socket): void {
  if (client.writableEnded) client.destroy()
  else {
    client._final = (done) => done()
    client.resetAndDestroy()
  }
}

/** A connection to the server that ends when `client` ends, and the other way round. */
export function connectBehind(client: Socket, target: Pick<TestServer, 'host' | 'port'>): Socket {
  const server = connect({ host: target.host, port: target.port, noDelay: true })
  server.on('error', () => {}) // Its close follows, and ends the client.
  server.once('close', () => client.destroy())
  client.once('close', () => server.destroy())
  return server
}

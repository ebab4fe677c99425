import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

// What handlers and frameworks ask a connection.
const facts = [
  'remoteAddress',
  'remotePort',
  'remoteFamily',
  'localAddress',
  'localPort',
  'localFamily',
  'encrypted',
  'authorized',
  'alpnProtocol',
  'servername',
  'server',
] as const

/**
 * Stands where a connection stood: says what that one said of its client, takes whatever is written
 * to nowhere, and may be destroyed without harm to the requests that come on the connection since.
 */
export class SinkSocket extends Duplex {
  constructor(socket: Socket) {
    super({
      read: () => undefined,
      write: (_chunk, _encoding, done) => done(),
      writev: (_chunks, done) => done(),
    })
    for (const name of facts) {
      // An address is known only as long as the client is there.
      const value: unknown = Reflect.get(Object(socket), name)
      if (value !== undefined) Object.defineProperty(this, name, { value, configurable: true })
    }
    const { getPeerCertificate } = Object(socket)
    if (typeof getPeerCertificate === 'function')
      Object.assign(this, { getPeerCertificate: getPeerCertificate.bind(socket) })
    this.on('error', () => undefined)
  }

  /** Nothing is ever late. */
  setTimeout(): this {
    return this
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }
}

import { Socket } from 'node:net'

/** Writes that sockets of this process hand to the system. */
export interface SocketWrites {
  /** Since the start or `reset()`. */
  readonly count: number
  reset(): void
  /** Counts no longer. */
  stop(): void
}

interface Writing {
  remotePort?: number
  _write(...args: unknown[]): unknown
  _writev(...args: unknown[]): unknown
}

/** Counts the writes to these ports of whatever servers, however many pieces each brings together. */
export function countWrites(...ports: readonly (number | undefined)[]): SocketWrites {
  const prototype = Socket.prototype as unknown as Writing
  const { _write, _writev } = prototype
  let count = 0
  const counted = (write: Writing['_write']): Writing['_write'] =>
    function (this: Writing, ...args) {
      if (ports.includes(this.remotePort ?? -1)) count += 1
      return Reflect.apply(write, this, args)
    }
  Object.assign(prototype, { _write: counted(_write), _writev: counted(_writev) })
  return {
    get count() {
      return count
    },
    reset() {
      count = 0
    },
    stop: () => Object.assign(prototype, { _write, _writev }),
  }
}

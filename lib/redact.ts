import { inspect } from 'node:util'

const hidden = '?'

/**
 * Bytes that only the socket can read.
 *
 * The Redis driver publishes command arguments on its tracing channel and keeps them on errors. A
 * buffer made here prints as `?` wherever it is turned into text, and goes over the wire unchanged.
 */
export function redacted(value: string | Uint8Array): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : Buffer.from(value)
  return Object.setPrototypeOf(bytes, masked)
}

const masked = Object.create(Buffer.prototype, {
  toString: { value: () => hidden },
  toJSON: { value: () => hidden },
  [inspect.custom]: { value: () => hidden },
})

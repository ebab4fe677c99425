import { inspect } from 'node:util'

const hidden = '?'

/**
 * Bytes that only the socket can read.
 *
 * The Redis driver publishes command arguments on its tracing channel and keeps them on errors. A
 * buffer made here prints as `?` wherever it is turned into text, and goes over the wire unchanged.
 * What stands before them is ASCII.
 */
export function redacted(value: string | Uint8Array, before = ''): Buffer {
  return Object.setPrototypeOf(copied(value, before), masked)
}

function copied(value: string | Uint8Array, before: string): Buffer {
  if (typeof value === 'string') return Buffer.from(before + value)
  if (before === '') return Buffer.from(value)
  const bytes = Buffer.allocUnsafe(before.length + value.byteLength)
  bytes.write(before, 'latin1')
  bytes.set(value, before.length)
  return bytes
}

const masked = Object.create(Buffer.prototype, {
  toString: { value: () => hidden },
  toJSON: { value: () => hidden },
  [inspect.custom]: { value: () => hidden },
})

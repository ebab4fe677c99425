import { MemorywareError } from './errors.ts'

/** Turns values into the bytes a store keeps, and back. */
export interface Serializer {
  readonly name: string
  /** @throws when the value has no such form. */
  encode(value: unknown): Uint8Array
  /** @throws when the bytes are not of this form. */
  decode(bytes: Uint8Array): unknown
}

/** JSON in UTF-8: the default. `undefined`, functions and symbols have no form in it and are refused. */
export const json: Serializer = {
  name: 'json',
  encode(value) {
    const text = JSON.stringify(value)
    if (text === undefined)
      throw new MemorywareError('ERR_USAGE', `A ${typeof value} has no form in JSON`)
    return Buffer.from(text)
  },
  decode: (bytes) =>
    JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')),
}

import { MemorywareError } from './errors.ts'
import { readJson } from './quick-json.ts'

/** What a value of a conversation belongs to. */
export interface SerializerContext {
  /** Digest of the user's id. */
  readonly owner: string
  /** The message's id; other values of a session have names that no message can have, such as `~title`. */
  readonly messageId: string
}

/** Turns values into the bytes a store keeps, and back. */
export interface Serializer {
  readonly name: string
  /**
   * `context` is there for what belongs to a conversation, and for nothing else.
   *
   * @throws when the value has no such form.
   */
  encode(value: unknown, context?: SerializerContext): Uint8Array
  /** @throws when the bytes are not of this form, or belong to another context. */
  decode(bytes: Uint8Array, context?: SerializerContext): unknown
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
  decode: readJson,
}

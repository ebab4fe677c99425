import { StoreError } from '../errors.ts'
import { digest } from '../keys.ts'
import { readMessage } from '../quick-json.ts'
import { json, type Serializer, type SerializerContext } from '../serializer.ts'
import { isShape } from './formats/shape.ts'

/** The stored form of what belongs to one user's conversations. */
export interface Codec {
  /** `name` is a message's encoded id, or `~title` and the like. @throws what the serializer throws. */
  encode(name: string, value: unknown): Uint8Array
  /** @throws StoreError `corrupt` for bytes that are not what was written under this name. */
  decode(name: string, bytes: Uint8Array): unknown
  /**
   * A message with its id and role behind what was stored of it, which nobody else has; what was
   * stored where that is no object. @throws as `decode`
   */
  message(name: string, bytes: Uint8Array, id: string, role: string): unknown
}

/** Binds a serializer to an owner; JSON is the same for all, and needs no digest of who that is. */
export function codecOf(serializer: Serializer, owner: string): Codec {
  return serializer === json ? jsonCodec : bound(serializer, owner)
}

const jsonCodec: Codec = {
  encode: (_name, value) => json.encode(value),
  decode: (_name, bytes) => decoded(json, bytes),
  message(_name, bytes, id, role) {
    try {
      return readMessage(bytes, id, role)
    } catch (cause) {
      throw corrupt(cause)
    }
  },
}

function bound(serializer: Serializer, owner: string): Codec {
  let known: string | undefined
  const context = (messageId: string) => {
    known ??= digest([owner])
    return { owner: known, messageId }
  }
  const decode = (name: string, bytes: Uint8Array) => decoded(serializer, bytes, context(name))
  return {
    encode: (name, value) => serializer.encode(value, context(name)),
    decode,
    message(name, bytes, id, role) {
      const value = decode(name, bytes)
      if (!isShape(value)) return value
      // A copy: the serializer of an application may keep its own.
      const message: Record<string, unknown> = { ...value }
      message['id'] = id
      message['role'] = role
      return message
    },
  }
}

function decoded(serializer: Serializer, bytes: Uint8Array, context?: SerializerContext): unknown {
  try {
    return serializer.decode(bytes, context)
  } catch (cause) {
    throw corrupt(cause)
  }
}

function corrupt(cause: unknown): StoreError {
  return new StoreError('read', 'corrupt', { cause })
}

import { StoreError } from '../errors.ts'
import { digest } from '../keys.ts'
import { json, type Serializer, type SerializerContext } from '../serializer.ts'

/** The stored form of what belongs to one user's conversations. */
export interface Codec {
  /** Whether an object that it decodes is nobody else's: an application's serializer may keep its own. */
  readonly fresh: boolean
  /** `name` is a message's encoded id, or `~title` and the like. @throws what the serializer throws. */
  encode(name: string, value: unknown): Uint8Array
  /** @throws StoreError `corrupt` for bytes that are not what was written under this name. */
  decode(name: string, bytes: Uint8Array): unknown
}

/** Binds a serializer to an owner; JSON is the same for all, and needs no digest of who that is. */
export function codecOf(serializer: Serializer, owner: string): Codec {
  return serializer === json ? jsonCodec : bound(serializer, owner)
}

const jsonCodec: Codec = {
  fresh: true,
  encode: (_name, value) => json.encode(value),
  decode: (_name, bytes) => decoded(json, bytes),
}

function bound(serializer: Serializer, owner: string): Codec {
  let known: string | undefined
  const context = (messageId: string) => {
    known ??= digest([owner])
    return { owner: known, messageId }
  }
  return {
    fresh: false,
    encode: (name, value) => serializer.encode(value, context(name)),
    decode: (name, bytes) => decoded(serializer, bytes, context(name)),
  }
}

function decoded(serializer: Serializer, bytes: Uint8Array, context?: SerializerContext): unknown {
  try {
    return serializer.decode(bytes, context)
  } catch (cause) {
    throw new StoreError('read', 'corrupt', { cause })
  }
}

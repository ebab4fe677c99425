import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import { MemorywareError, OptionError } from './errors.ts'
import { checkNames } from './options.ts'
import { json, type Serializer, type SerializerContext } from './serializer.ts'

/** A key of `encrypted()`. */
export interface EncryptionKey {
  /** Stands in the clear before each value: 1 to 32 characters of `[A-Za-z0-9_.-]`. */
  readonly id: string
  /** 32 random bytes, or these in base64. */
  readonly key: Uint8Array | string
}

/** Options of `encrypted()`. */
export interface EncryptedOptions {
  /** The form of values before they are encrypted. @default json */
  readonly serializer?: Serializer
}

const algorithm = 'aes-256-gcm'
const version = 1
const nonceBytes = 12
const tagBytes = 16

/**
 * Encrypts what is stored, with AES-256-GCM (NIST SP 800-38D) under a random nonce: the first key
 * encrypts, all decrypt, so that keys can be changed.
 *
 * A value of a conversation is bound to its user and its message: moved elsewhere it does not decrypt.
 * Who can write to the store can still take values away, put older ones back, exchange those of the
 * same name, such as titles, between sessions of one user, and change what is not encrypted: ids, names
 * of state and preferences, roles, counts, times and pins stay readable, and numbers that `store.incr()` has counted have no encrypted
 * form. One key should encrypt at most 2^32 values.
 *
 * @throws OptionError for keys that are none.
 */
export function encrypted(
  keys: readonly EncryptionKey[],
  options: EncryptedOptions = {},
): Serializer {
  checkNames<EncryptedOptions>('encrypted', options, { serializer: true })
  const { serializer = json } = options
  if (typeof serializer?.encode !== 'function' || typeof serializer.decode !== 'function')
    throw new OptionError('encrypted.serializer', 'an object with encode and decode', serializer)
  const known = keyRing(keys)
  const [first] = known
  if (first === undefined) throw new OptionError('encrypted.keys', 'at least one key', keys)
  const [currentId, current] = first
  const header = Buffer.from([version, currentId.length, ...Buffer.from(currentId)])

  return {
    name: `encrypted ${serializer.name}`,
    encode(value, context) {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv(algorithm, current, nonce)
      cipher.setAAD(bound(header, context))
      const text = cipher.update(serializer.encode(value, context))
      return Buffer.concat([header, nonce, text, cipher.final(), cipher.getAuthTag()])
    },
    decode(bytes, context) {
      const { head, id, nonce, text, tag } = parts(bytes)
      const key = known.get(id)
      if (key === undefined) throw unreadable(`no key ${JSON.stringify(id)} is given`)
      const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagBytes })
      decipher.setAAD(bound(head, context)).setAuthTag(tag)
      const plain = Buffer.concat([decipher.update(text), decipher.final()])
      return serializer.decode(plain, context)
    },
  }
}

/** What is authenticated beside the value: length-prefixed, so that no two contexts read alike. */
function bound(header: Uint8Array, context: SerializerContext | undefined): Buffer {
  const fields = context === undefined ? [] : [context.owner, context.messageId]
  const prefixed = fields.map((field) => `${Buffer.byteLength(field)}:${field}`)
  return Buffer.concat([header, Buffer.from(prefixed.join(''))])
}

function parts(bytes: Uint8Array): Record<'head' | 'nonce' | 'text' | 'tag', Buffer> & {
  readonly id: string
} {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const [found, idBytes = 0] = view
  if (found !== version) throw unreadable('they are not encrypted, or in a later form')
  const start = 2 + idBytes
  const end = view.length - tagBytes
  if (end < start + nonceBytes) throw unreadable('they are too short')
  return {
    head: view.subarray(0, start),
    id: view.toString('latin1', 2, start),
    nonce: view.subarray(start, start + nonceBytes),
    text: view.subarray(start + nonceBytes, end),
    tag: view.subarray(end),
  }
}

function unreadable(why: string): MemorywareError {
  return new MemorywareError('ERR_STORE', `Stored bytes cannot be decrypted: ${why}`)
}

function keyRing(keys: readonly EncryptionKey[]): Map<string, KeyObject> {
  if (!Array.isArray(keys) || keys.length === 0)
    throw new OptionError('encrypted.keys', 'an array of at least one key', typeOf(keys))
  const ring = new Map<string, KeyObject>()
  for (const [at, given] of (keys as readonly Partial<EncryptionKey>[]).entries()) {
    const { id, key } = given ?? {}
    if (typeof id !== 'string' || !/^[\w.-]{1,32}$/.test(id))
      throw new OptionError(
        `encrypted.keys[${at}].id`,
        '1 to 32 characters of [A-Za-z0-9_.-]',
        typeOf(id),
      )
    if (ring.has(id)) throw new OptionError(`encrypted.keys[${at}].id`, 'given once', id)
    ring.set(id, createSecretKey(keyBytes(`encrypted.keys[${at}].key`, key)))
  }
  return ring
}

function keyBytes(option: string, key: unknown): Uint8Array {
  if (key instanceof Uint8Array && key.byteLength === 32) return key
  if (typeof key === 'string') {
    const bytes = Buffer.from(key, 'base64')
    if (bytes.length === 32 && sameBase64(bytes, key)) return bytes
  }
  throw new OptionError(option, '32 bytes, or these in base64', typeOf(key))
}

/** In the place of a value that may be a key but for a slip. */
function typeOf(value: unknown): string {
  return `a ${typeof value} that is not`
}

/** Node skips what is no base64: a mistyped key would be another key. */
function sameBase64(bytes: Buffer, text: string): boolean {
  const bare = text.trim().replace(/=+$/, '')
  return bytes.toString('base64').startsWith(bare) || bytes.toString('base64url').startsWith(bare)
}

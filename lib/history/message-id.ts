import { randomFillSync } from 'node:crypto'
import { RequestError, StoreError } from '../errors.ts'
import { decodeId, encodeId } from '../keys.ts'

/**
 * The form of a message's id in the store. A UUID becomes `~` and 22 characters: it stands there
 * twice for each message, and takes a third less. No other id begins with `~`.
 *
 * @throws RequestError 400 for what can be no id.
 */
export function encodeMessageId(id: unknown): string {
  if (typeof id === 'string' && uuid.test(id)) return packed(id)
  try {
    return encodeId('A message id', id)
  } catch (cause) {
    throw new RequestError(400, (cause as Error).message, { cause })
  }
}

/** The encoded form of a new random UUID. */
export function newMessageId(): string {
  if (randomAt === random.length) {
    randomFillSync(random)
    randomAt = 0
  }
  const bytes = random.subarray(randomAt, randomAt + uuidBytes)
  randomAt += uuidBytes
  // Version 4, variant 1 (RFC 9562, section 5.4).
  bytes[6] = ((bytes[6] ?? 0) & 15) | 64
  bytes[8] = ((bytes[8] ?? 0) & 63) | 128
  return `~${bytes.toString('base64url')}`
}

/** Gives back the id that was encoded. @throws StoreError `corrupt` for what no id is encoded as. */
export function decodeMessageId(encoded: string): string {
  return encoded.length === packedLength && encoded.startsWith('~')
    ? unpacked(encoded)
    : decodeId(encoded)
}

// What is written in another way is another id.
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const uuidBytes = 16

// For 128 of them at a time, as crypto.randomUUID() does it.
const random = Buffer.alloc(128 * uuidBytes)
let randomAt = random.length

const packedLength = 23
const none = 255

// Digits of 4 bits, and characters of 6 (base64url): three of the one are two of the other.
const digits = codesOf('0123456789abcdef')
const characters = codesOf('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')
const digitAt = valuesOf(digits)
const characterAt = valuesOf(characters)

// Written over each time: a buffer for each id would take longer than all the rest.
const text = Buffer.alloc(36, '-')
const short = Buffer.alloc(packedLength, '~')

/** Where in a UUID its digits stand. */
const places = [...text.keys()].filter((at) => ![8, 13, 18, 23].includes(at))

function packed(id: string): string {
  const digit = (at: number) => digitAt[id.charCodeAt(places[at] ?? 0)] ?? 0
  for (let at = 0, to = 1; to < packedLength; at += 3, to += 2) {
    const last = at + 2 < places.length ? digit(at + 2) : 0
    const bits = (digit(at) << 8) | (digit(at + 1) << 4) | last
    short[to] = characters[bits >> 6] ?? 0
    short[to + 1] = characters[bits & 63] ?? 0
  }
  return short.toString('latin1')
}

function unpacked(encoded: string): string {
  for (let at = 1, to = 0; at < packedLength; at += 2, to += 3) {
    const bits = bitsAt(encoded, at)
    text[places[to] ?? 0] = digits[bits >> 8] ?? 0
    text[places[to + 1] ?? 0] = digits[(bits >> 4) & 15] ?? 0
    if (to + 2 < places.length) text[places[to + 2] ?? 0] = digits[bits & 15] ?? 0
  }
  return text.toString('latin1')
}

/** What two characters stand for. */
function bitsAt(encoded: string, at: number): number {
  const first = characterAt[encoded.charCodeAt(at)] ?? none
  const second = characterAt[encoded.charCodeAt(at + 1)] ?? none
  if (first === none || second === none) throw new StoreError('read', 'corrupt')
  return (first << 6) | second
}

function codesOf(alphabet: string): Uint8Array {
  return Buffer.from(alphabet, 'latin1')
}

/** The value of each character, by its code. */
function valuesOf(codes: Uint8Array): Uint8Array {
  const values = new Uint8Array(128).fill(none)
  for (const [value, code] of codes.entries()) values[code] = value
  return values
}

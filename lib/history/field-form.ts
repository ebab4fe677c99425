import { RequestError } from '../errors.ts'
import { encodeId } from '../keys.ts'
import type { FieldKeys } from '../ports/fields.ts'
import type { Codec } from './codec.ts'

/** Which hash: where it is kept, and under which name its values are encoded. */
export interface HashPlace {
  readonly kind: 'state' | 'preferences'
  readonly keys: FieldKeys
  readonly ttlMs: number | undefined
  /** Values at most. */
  readonly most: number
  /** Bytes of one value at most. */
  readonly maxBytes: number
}

/** Values of one session's state, at most. */
export const mostState = 1000
/** Preferences of a user, at most: a browser may write them, and is told all of them. */
export const mostPreferences = 100
export const preferenceBytes = 8192

/** The stored form of one value. @throws RequestError 400 or 413 */
export function toField(
  codec: Codec,
  kind: HashPlace['kind'],
  name: string,
  value: unknown,
  maxBytes: number,
): Uint8Array {
  const bytes = formOf(codec, fieldName(kind, name), value)
  if (bytes.byteLength <= maxBytes) return bytes
  throw new RequestError(413, `A value must be at most ${maxBytes} bytes, got ${bytes.byteLength}`)
}

/** The name under which a codec knows a field; the field's own is encoded. */
export function fieldName(kind: HashPlace['kind'], name: string): string {
  return `~${kind}:${name}`
}

/** Fields that stand among a user's own and are none of them. */
export function isReserved(name: string): boolean {
  return name.startsWith('~')
}

function formOf(codec: Codec, name: string, value: unknown): Uint8Array {
  try {
    return codec.encode(name, value)
  } catch (cause) {
    throw new RequestError(400, 'A value must have a stored form', { cause })
  }
}

/** The encoded name of a field. @throws RequestError 400 */
export function nameOf(name: unknown): string {
  try {
    return encodeId('A name', name)
  } catch (cause) {
    throw new RequestError(400, (cause as Error).message, { cause })
  }
}

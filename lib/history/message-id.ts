import { RequestError, StoreError } from '../errors.ts'
import { decodeId, encodeId } from '../keys.ts'

/**
 * The form of a message's id in the store. A UUID becomes `~` and 22 characters: it stands there
 * twice for each message, and takes a third less. No other id begins with `~`.
 *
 * @throws RequestError 400 for what can be no id.
 */
export function encodeMessageId(id: unknown): string {
  if (typeof id === 'string' && uuid.test(id))
    return `~${Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url')}`
  try {
    return encodeId('A message id', id)
  } catch (cause) {
    throw new RequestError(400, (cause as Error).message, { cause })
  }
}

/** Gives back the id that was encoded. @throws StoreError `corrupt` for what no id is encoded as. */
export function decodeMessageId(encoded: string): string {
  if (encoded.length !== 23 || !encoded.startsWith('~')) return decodeId(encoded)
  const hex = Buffer.from(encoded.slice(1), 'base64url').toString('hex')
  if (hex.length !== 32) throw new StoreError('read', 'corrupt')
  const [a, b, c, d] = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)]
  return `${a}-${b}-${c}-${d}-${hex.slice(20)}`
}

// What is written in another way is another id.
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

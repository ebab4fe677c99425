import { lineOf, type RequestHeaders } from '../lib/cache/fields.ts'
import type { Credential } from '../lib/cache/storable.ts'
import { guestCookie } from './identity.ts'

/** What of a request may tell who asks, by itself; a guest's own cookie does not. */
export function credentialOf(headers: RequestHeaders): Credential | undefined {
  if (headers['authorization'] !== undefined) return 'authorization'
  const line = lineOf(headers, 'cookie')
  if (line === undefined) return undefined
  const cookies = line.split(';').map((pair) => pair.trim())
  const foreign = cookies.some(
    (pair) => pair !== '' && pair.split('=', 1)[0]?.trim() !== guestCookie,
  )
  return foreign ? 'cookie' : undefined
}

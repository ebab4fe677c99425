import type { Fields, RequestHeaders } from './fields.ts'
import { varyNames } from './vary.ts'

// `Authorization` and cookies are known as such. Others have many names: `X-Api-Key`, `X-Auth-Token`,
// `X-Forwarded-User`, `Cf-Access-Jwt-Assertion`, `X-Ms-Client-Principal`.
const telling =
  /key|token|auth|secret|session|user|account|tenant|ident|principal|credential|signature|jwt|assertion|client-cert|e-?mail|dpop/

const harmless = new Set(['user-agent', 'authority', ':authority', 'sec-websocket-key'])

/**
 * The fields of a request whose names say that they may tell who asks; `keyed` ones stand in the key,
 * and tell answers apart already. Not one of them need be a credential: whoever asks does without a
 * cache where it matters, and nothing worse.
 */
export function personalFields(headers: RequestHeaders, keyed: readonly string[] = []): string[] {
  const names = Object.keys(headers).filter((name) => headers[name] !== undefined)
  return names.filter((name) => {
    const lower = name.toLowerCase()
    return telling.test(lower) && !harmless.has(lower) && !keyed.includes(lower)
  })
}

/** Whether one of these fields does not choose between the variants of the response either. */
export function notInKey(personal: readonly string[], fields: Fields): boolean {
  if (personal.length === 0) return false
  const vary = varyNames(fields) ?? []
  return personal.some((name) => !vary.includes(name.toLowerCase()))
}

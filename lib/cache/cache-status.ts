import { serializeBareItem, Token } from 'structured-headers'

/** What one cache did with one request, as `Cache-Status` says it (RFC 9211). */
export interface CacheFact {
  /**
   * Answered from an entry without asking the handler (RFC 9211 section 2.1): the seconds it stays
   * fresh, negative for a stale one (section 2.4).
   */
  readonly hit?: { readonly ttl: number } | undefined
  /** Why the request went on to the handler. */
  readonly fwd?: 'miss' | 'stale' | 'request' | 'bypass' | 'method' | undefined
  /** What the handler answered, where that is not what the client gets: 304, or a failure (section 2.3). */
  readonly fwdStatus?: number | undefined
  /** Of what the client gets after that: the seconds it stays fresh, negative for a stale one. */
  readonly ttl?: number | undefined
  /** The answer was kept (section 2.5). */
  readonly stored?: boolean | undefined
  /** Another request's run of the handler served this one too (section 2.6). */
  readonly collapsed?: boolean | undefined
  /** A token of our own that says why. */
  readonly detail?: string | undefined
}

/** The field, with this cache after those that stood there before: the last one is nearest to the client. */
export function cacheStatus(before: string | undefined, fact: CacheFact): string {
  const { hit, fwd, fwdStatus, stored, collapsed, detail } = fact
  const ttl = hit?.ttl ?? fact.ttl
  let line = before === undefined || before.trim() === '' ? 'memoryware' : `${before}, memoryware`
  if (hit) line += '; hit'
  if (fwd !== undefined) line += `; fwd=${fwd}`
  if (fwdStatus !== undefined) line += `; fwd-status=${serializeBareItem(fwdStatus)}`
  // A whole number is written as it reads: that goes with each hit.
  if (ttl !== undefined) line += `; ttl=${Number.isSafeInteger(ttl) ? ttl : serializeBareItem(ttl)}`
  if (stored) line += '; stored'
  if (collapsed) line += '; collapsed'
  if (detail !== undefined) line += `; detail=${serializeBareItem(new Token(detail))}`
  return line
}

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
  const member = ['memoryware', ...parameters(fact)].join('; ')
  return before === undefined || before.trim() === '' ? member : `${before}, ${member}`
}

function parameters(fact: CacheFact): string[] {
  const { hit, fwd, fwdStatus, stored, collapsed, detail } = fact
  const ttl = hit?.ttl ?? fact.ttl
  return [
    ...(hit ? ['hit'] : []),
    ...(fwd === undefined ? [] : [`fwd=${serializeBareItem(new Token(fwd))}`]),
    ...(fwdStatus === undefined ? [] : [`fwd-status=${serializeBareItem(fwdStatus)}`]),
    ...(ttl === undefined ? [] : [`ttl=${serializeBareItem(ttl)}`]),
    ...(stored ? ['stored'] : []),
    ...(collapsed ? ['collapsed'] : []),
    ...(detail === undefined ? [] : [`detail=${serializeBareItem(new Token(detail))}`]),
  ]
}

import { serializeBareItem, Token } from 'structured-headers'

/** What one cache did with one request, as `Cache-Status` says it (RFC 9211). */
export interface CacheFact {
  /** Answered from an entry: the seconds it stays fresh, negative for a stale one. */
  readonly hit?: { readonly ttl: number } | undefined
  /** Why the request went on to the handler. */
  readonly fwd?: 'miss' | 'stale' | 'request' | 'bypass' | 'method' | undefined
  readonly stored?: boolean | undefined
  readonly collapsed?: boolean | undefined
  /** A token of our own that says why. */
  readonly detail?: string | undefined
}

/** The field, with this cache after those that stood there before: the last one is nearest to the client. */
export function cacheStatus(before: string | undefined, fact: CacheFact): string {
  const member = ['memoryware', ...parameters(fact)].join('; ')
  return before === undefined || before.trim() === '' ? member : `${before}, ${member}`
}

function parameters({ hit, fwd, stored, collapsed, detail }: CacheFact): string[] {
  const written: string[] = []
  if (hit) written.push('hit', `ttl=${serializeBareItem(hit.ttl)}`)
  if (fwd !== undefined) written.push(`fwd=${serializeBareItem(new Token(fwd))}`)
  if (stored) written.push('stored')
  if (collapsed) written.push('collapsed')
  if (detail !== undefined) written.push(`detail=${serializeBareItem(new Token(detail))}`)
  return written
}

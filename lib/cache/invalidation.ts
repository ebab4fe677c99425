import { type Fields, linesOf } from './fields.ts'
import { invalidatedGroupsOf } from './groups.ts'

/** A request that may have changed something. */
export interface Change {
  readonly method: string
  readonly protocol: string
  readonly host: string
  /** Its target as sent: path and query. */
  readonly url: string
}

/** How what is invalidated is called. */
export interface Marking {
  /** Mark of a target: path and query. */
  target(target: string): string
  /** Mark of a group of this origin. */
  group(name: string): string
}

/** The fields of an answer that name what else it invalidates. */
export const invalidatingFields: readonly string[] = [
  'location',
  'content-location',
  'cache-group-invalidation',
]

// All that the IANA HTTP Method Registry calls safe.
const safe = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'PRI',
  'PROPFIND',
  'QUERY',
  'REPORT',
  'SEARCH',
  'TRACE',
])

/** Whether a method changes nothing. One that nobody knows may change everything (RFC 9111 section 4.4). */
export function isSafe(method: string): boolean {
  return safe.has(method)
}

/**
 * The marks to purge once an unsafe request has been answered without an error: of its target, of what
 * `Location` and `Content-Location` name on the same origin (RFC 9111 section 4.4), and of the groups
 * of `Cache-Group-Invalidation` (RFC 9875 section 3). None for a safe method, or an error.
 */
export function invalidated(
  request: Change,
  { status, fields }: { readonly status: number; readonly fields: Fields },
  { target, group }: Marking,
): readonly string[] {
  if (isSafe(request.method) || status < 200 || status > 399) return []
  const named = ['location', 'content-location'].flatMap((name) => linesOf(fields, name))
  const targets = named.flatMap((reference) => targetOf(request, reference) ?? [])
  const groups = invalidatedGroupsOf(fields)
  return [...new Set([...[request.url, ...targets].map(target), ...groups.map(group)])]
}

/** The target a reference names; `undefined` where it is of another origin, or cannot be read. */
function targetOf({ protocol, host, url }: Change, reference: string): string | undefined {
  const origin = `${protocol}://${host}`
  // A path that begins with two slashes would be read as a host.
  const from = url.startsWith('/') ? `${origin}${url}` : url
  if (!URL.canParse(origin) || !URL.canParse(from) || !URL.canParse(reference, from))
    return undefined
  const named = new URL(reference, from)
  return named.origin === new URL(origin).origin ? `${named.pathname}${named.search}` : undefined
}

/** Header fields of a response, by lower-case name; several values are several lines. */
export type Fields = Readonly<Record<string, string | readonly string[]>>

/** Header fields of a request, as `node:http` gives them. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/** The shape of a field name (RFC 9110 section 5.6.2). */
export const token: RegExp = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** The lines of one field; none where it is absent. Never reads what an object inherits. */
export function linesOf(fields: RequestHeaders, name: string): readonly string[] {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined
  if (value === undefined) return []
  return typeof value === 'string' ? [value] : value
}

/** One field as one line, its values joined as RFC 9110 section 5.3 lets a recipient. */
export function lineOf(fields: RequestHeaders, name: string): string | undefined {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined
  if (value === undefined || typeof value === 'string') return value
  return value.length === 0 ? undefined : value.join(', ')
}

/** The members of a comma-separated list of tokens, in lower case. */
export function tokensOf(fields: RequestHeaders, name: string): string[] {
  return linesOf(fields, name)
    .flatMap((line) => line.split(','))
    .map((member) => member.trim().toLowerCase())
    .filter((member) => member !== '')
}

// Fields of one connection (RFC 9110 section 7.6.1, RFC 9111 section 3.1), of one visitor, or of one
// answer: `Age` and `Content-Length` are written anew.
const neverStored = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'set-cookie',
  'set-cookie2',
  'retry-after',
  'cache-status',
  'age',
  'content-length',
])
const countersOfOneVisitor = /^(?:x-)?ratelimit/

/** The fields that may be replayed to somebody else; `but` are left out as well. */
export function storableFields(fields: Fields, but: readonly string[]): Fields {
  const left = new Set([...but, ...tokensOf(fields, 'connection')])
  return Object.fromEntries(
    Object.entries(fields).filter(
      ([name]) => !(neverStored.has(name) || left.has(name) || countersOfOneVisitor.test(name)),
    ),
  )
}

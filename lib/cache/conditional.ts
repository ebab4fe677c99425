import etag from 'etag'
import fresh from 'fresh'
import { type Fields, lineOf, linesOf, type RequestHeaders } from './fields.ts'
import { httpDate } from './http-date.ts'

/** The fields of a request that a fill runs without: its answer must serve everybody. */
export const conditionalFields = [
  'if-none-match',
  'if-modified-since',
  'if-match',
  'if-unmodified-since',
  'if-range',
  'range',
] as const

/** Whether a request holds a condition that `notModified()` looks at. */
export function hasCondition(headers: RequestHeaders): boolean {
  return headers['if-none-match'] !== undefined || headers['if-modified-since'] !== undefined
}

/** A validator for a body that came without one; weak, since outer middlewares may compress it. */
export function entityTag(body: Buffer): string {
  return etag(body, { weak: true })
}

/** Whether the client holds this response already (RFC 9111 section 4.3.2). */
export function notModified(headers: RequestHeaders, status: number, fields: Fields): boolean {
  if (status < 200 || status > 299) return false
  const tags = lineOf(headers, 'if-none-match')?.trim()
  if (tags !== undefined && tags !== '')
    return fresh({ 'if-none-match': tags }, { etag: linesOf(fields, 'etag')[0] })
  // Compared here and not by `fresh`, which takes dates in any form.
  const since = httpDate(lineOf(headers, 'if-modified-since'))
  if (since === undefined) return false
  const changed = httpDate(linesOf(fields, 'last-modified')[0] ?? linesOf(fields, 'date')[0])
  return changed !== undefined && changed <= since
}

import parseRange from 'range-parser'
import { type Fields, lineOf, linesOf, type RequestHeaders } from './fields.ts'
import { httpDate } from './http-date.ts'

/** The bytes of a body that a request asks for; both ends are inside. */
export type Slice =
  | { readonly kind: 'part'; readonly start: number; readonly end: number }
  | { readonly kind: 'unsatisfiable' }

/**
 * The one range a request asks for (RFC 9110 section 14.2); `undefined` where it asks for the whole,
 * for several, for what is no range, or where `If-Range` names another response.
 */
export function sliceOf(
  headers: RequestHeaders,
  fields: Fields,
  length: number,
): Slice | undefined {
  const range = lineOf(headers, 'range')
  if (range === undefined || !ifRange(lineOf(headers, 'if-range'), fields)) return undefined
  const suffix = /^bytes=-(\d+)$/i.exec(range.trim())?.[1]
  // range-parser calls a suffix longer than the body unsatisfiable; RFC 9110 means the whole body.
  if (suffix !== undefined && Number(suffix) > length && length > 0)
    return { kind: 'part', start: 0, end: length - 1 }
  const ranges = parseRange(length, range)
  if (ranges === -2) return undefined
  if (ranges === -1) return /^bytes=/i.test(range) ? { kind: 'unsatisfiable' } : undefined
  const [only, another] = ranges
  if (ranges.type.toLowerCase() !== 'bytes' || only === undefined || another) return undefined
  // One that was dropped as unsatisfiable still made it several.
  return range.includes(',') ? undefined : { kind: 'part', ...only }
}

/** RFC 9110 section 13.1.5: a strong validator that matches exactly. */
function ifRange(validator: string | undefined, fields: Fields): boolean {
  if (validator === undefined) return true
  const [tag] = linesOf(fields, 'etag')
  if (validator.startsWith('"')) return validator === tag
  const [changed] = linesOf(fields, 'last-modified')
  const [date] = linesOf(fields, 'date')
  const [changedAt, dateAt] = [httpDate(changed), httpDate(date)]
  // A date is strong once a second has passed since (RFC 9110 section 8.8.2.2).
  const strong = changedAt !== undefined && dateAt !== undefined && dateAt - changedAt >= 1000
  return strong && httpDate(validator) === changedAt
}

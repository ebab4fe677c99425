import type { Entry } from './entry.ts'
import { type Fields, lineOf } from './fields.ts'
import { agreementOf } from './validators.ts'

/**
 * What the answer to a HEAD means for the stored GET: it may be freshened with its fields, it counts
 * as stale from now on, or nothing.
 */
export type HeadSays = 'freshen' | 'invalidate' | 'nothing'

/**
 * Holds a HEAD answer against the stored GET that could have answered it (RFC 9111 section 4.3.5).
 * Stricter than that: an answer without a validator proves nothing, and freshens nothing.
 */
export function headSays(
  entry: Pick<Entry, 'status' | 'fields' | 'body'>,
  { status, fields }: { readonly status: number; readonly fields: Fields },
): HeadSays {
  if (status !== 200 || entry.status !== 200) return 'nothing'
  const length = lineOf(fields, 'content-length')
  if (length !== undefined && length.trim() !== String(entry.body.length)) return 'invalidate'
  const agreement = agreementOf(entry.fields, fields)
  if (agreement === 'unknown') return 'nothing'
  return agreement === 'same' ? 'freshen' : 'invalidate'
}

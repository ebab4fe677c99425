import type { Entry } from './entry.ts'
import { type Fields, linesOf, storableFields } from './fields.ts'
import { httpDate } from './http-date.ts'
import type { Refusal } from './storable.ts'
import { agreementOf } from './validators.ts'

/** What a 304, or a HEAD, is held against. */
type Known = Pick<Entry, 'fields'>

/**
 * What describes the bytes that are kept, or was made from them: RFC 9111 section 3.2 lets a cache
 * leave it as it was. A tag that is known already is the same or a weaker one.
 */
const ofTheContent = [
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'content-digest',
  'repr-digest',
]

/**
 * The head that the handler would have sent instead of its 304: the stored fields, updated (RFC 9111
 * sections 3.2 and 4.3.4). `undefined` where the 304 speaks of another response than this one.
 *
 * A 304 without validators is taken to be for the entry: the handler was sent those of the entry and
 * no others. What may not be stored (`Age`, `Set-Cookie`) is in the result as far as the 304 has it,
 * so that it is decided on like any other head: only then an entry is made of it.
 */
export function freshenedFields(
  { fields: stored }: Known,
  received: Fields,
  now: number,
): Fields | undefined {
  if (agreementOf(stored, received) === 'other') return undefined
  const known = linesOf(stored, 'etag').length > 0 ? ['etag'] : []
  return {
    ...stored,
    ...storableFields(received, [...ofTheContent, ...known]),
    ...ofThisAnswer(received),
    date: dateOf(received, now),
  }
}

/** RFC 9110 section 6.6.1: what came without a date is dated by whoever receives it. */
function dateOf(received: Fields, now: number): string {
  const [date] = linesOf(received, 'date')
  return date !== undefined && httpDate(date, now) !== undefined
    ? date
    : new Date(now).toUTCString()
}

function ofThisAnswer(received: Fields): Fields {
  const names = ['age', 'set-cookie'].filter((name) => Object.hasOwn(received, name))
  return Object.fromEntries(names.map((name) => [name, linesOf(received, name)]))
}

const withdrawing = new Set<Refusal>([
  'handler',
  'memory',
  'no-cache',
  'no-store',
  'private',
  'status',
  'vary',
])

/**
 * Whether what forbids to store the freshened answer takes back the stored one too, so that it must be
 * dropped. What is only said of this request (its credential, a cookie) leaves it: stale, as it was.
 */
export function isWithdrawn(refusal: Refusal): boolean {
  return withdrawing.has(refusal)
}

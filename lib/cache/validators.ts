import type { Entry } from './entry.ts'
import { type Fields, linesOf } from './fields.ts'
import { httpDate } from './http-date.ts'

/** Request fields that ask whether a response has changed (RFC 9110 section 13.1). */
export interface ConditionFields {
  readonly 'if-none-match'?: string
  readonly 'if-modified-since'?: string
}

/** Whether two heads are of one content, as far as their validators tell. */
export type Agreement = 'same' | 'other' | 'unknown'

// RFC 9110 section 8.8.3; also a bare word, as some servers send and compare it. Never `*`, which
// every representation matches.
const entityTag = /^(?:(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"|(?![*]$)[\x21\x23-\x2b\x2d-\x7e]+)$/

/** Whether a response carries what a later one can be compared by. */
export function hasValidator(fields: Fields): boolean {
  return tagOf(fields) !== undefined || changedOf(fields) !== undefined
}

/**
 * What to send along when an entry is to be validated (RFC 9111 section 4.3.1). A `Last-Modified` of
 * the very second in which the response was made is left out: the content may have changed since then
 * within that second (RFC 9110 section 8.8.2.2).
 */
export function validatorsOf({
  status,
  fields,
}: Pick<Entry, 'status' | 'fields'>): ConditionFields {
  // RFC 9110 section 13.2.1: conditions are ignored where the answer would not be a success.
  if (status > 299) return {}
  const tag = tagOf(fields)
  const changed = changedOf(fields)
  const made = httpDate(linesOf(fields, 'date')[0])
  const sure = changed !== undefined && made !== undefined && made - changed.at >= 1000
  return {
    ...(tag === undefined ? {} : { 'if-none-match': tag }),
    ...(sure ? { 'if-modified-since': changed.text } : {}),
  }
}

/**
 * Compares what was stored with what came for it. Tags go before dates; a validator that only the
 * newer head has agrees with nothing (RFC 9111 sections 4.3.4 and 4.3.5).
 */
export function agreementOf(stored: Fields, received: Fields): Agreement {
  const [storedTag, receivedTag] = [tagOf(stored), tagOf(received)]
  if (storedTag !== undefined && receivedTag !== undefined)
    return sameTag(storedTag, receivedTag) ? 'same' : 'other'
  const [storedChange, receivedChange] = [changedOf(stored), changedOf(received)]
  if (storedChange !== undefined && receivedChange !== undefined)
    return storedChange.at === receivedChange.at ? 'same' : 'other'
  return says(received) ? 'other' : 'unknown'
}

/** A tag that cannot be read, and one given twice, says something, but nobody knows what. */
function says(fields: Fields): boolean {
  return linesOf(fields, 'etag').length > 0 || linesOf(fields, 'last-modified').length > 0
}

/** A strong tag proves the same bytes, so only a strong one equals it; a weak one equals both. */
function sameTag(stored: string, received: string): boolean {
  return received.startsWith('W/') ? opaque(stored) === opaque(received) : stored === received
}

function opaque(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag
}

function tagOf(fields: Fields): string | undefined {
  const [tag, another] = linesOf(fields, 'etag').map((line) => line.trim())
  return tag !== undefined && another === undefined && entityTag.test(tag) ? tag : undefined
}

function changedOf(fields: Fields): { readonly text: string; readonly at: number } | undefined {
  const [text, another] = linesOf(fields, 'last-modified')
  const at = another === undefined ? httpDate(text) : undefined
  return text === undefined || at === undefined ? undefined : { text, at }
}

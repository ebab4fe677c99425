import type { StoredEntry } from '../ports/entries.ts'
import { type Fields, token } from './fields.ts'

/** A response as it is kept: what the handler answered, and what decides whether it may be used. */
export interface Entry {
  readonly status: number
  readonly fields: Fields
  readonly body: Buffer
  /** When the response came, in milliseconds since 1970. */
  readonly storedAt: number
  /** How old it was then. */
  readonly ageMs: number
  readonly lifeMs: number
  /** The origin gave a life in so many words: the entry may answer requests with credentials. */
  readonly explicit: boolean
  /** Must not be used once stale, whatever the client accepts. */
  readonly strict: boolean
}

/** Where an entry belongs; written into it, so that a reply that belongs elsewhere is noticed. */
export interface Place {
  readonly key: string
  readonly variant: string
}

const version = 1

/** The form an entry is stored in: its head as JSON, its body as it is. */
export function encodeEntry({ key, variant }: Place, { body, ...head }: Entry): StoredEntry {
  const text = JSON.stringify({ version, key, variant, length: body.length, ...head })
  return { head: Buffer.from(text), body }
}

/** The entry of this place; `undefined` for bytes that are torn, of another version or another place. */
export function decodeEntry(
  { key, variant }: Place,
  { head, body }: StoredEntry,
): Entry | undefined {
  const read = parse(head)
  if (read?.['version'] !== version || read['key'] !== key || read['variant'] !== variant)
    return undefined
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  if (read['length'] !== bytes.length) return undefined
  const { status, fields, storedAt, ageMs, lifeMs, explicit, strict } = read
  if (![status, storedAt, ageMs, lifeMs].every(isNumber) || !isFields(fields)) return undefined
  if (typeof explicit !== 'boolean' || typeof strict !== 'boolean') return undefined
  const numbers = { status, storedAt, ageMs, lifeMs } as Record<keyof Numbers, number>
  return { ...numbers, fields, explicit, strict, body: bytes }
}

type Numbers = Pick<Entry, 'status' | 'storedAt' | 'ageMs' | 'lifeMs'>

function parse(head: Uint8Array): Record<string, unknown> | undefined {
  try {
    const text = Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString('utf8')
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

// What node:http accepts as a field value.
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/

function isFields(value: unknown): value is Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.entries(value).every(([name, lines]: [string, unknown]) => {
    return token.test(name) && (Array.isArray(lines) ? lines : [lines]).every(isFieldValue)
  })
}

function isFieldValue(value: unknown): boolean {
  return typeof value === 'string' && fieldValue.test(value)
}

/** How old an entry is now (RFC 9111 section 4.2.3). Clocks of two processes may differ a little. */
export function currentAgeMs({ ageMs, storedAt }: Entry, now: number): number {
  return ageMs + Math.max(0, now - storedAt)
}

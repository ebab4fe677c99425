import { createHash } from 'node:crypto'
import type { StoredEntry } from '../ports/entries.ts'
import { type Fields, storableFields, token } from './fields.ts'
import { isMarkList } from './marks.ts'

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
  /** How long after its life it may be used while a new one is made (RFC 5861 section 3). */
  readonly swrMs: number
  /** How long after its life it may be used where making a new one fails (RFC 5861 section 4). */
  readonly sieMs: number
  /** What purges it: as `marksOf()` gives them. */
  readonly marks: readonly string[]
  /** When its making began, as `Entries.clock()` tells it; 0 where it carries no marks. */
  readonly since: number
  /** Of a stream, how its body came: `[bytes, ms, bytes, ms, ...]`, milliseconds since its head. */
  readonly pieces: readonly number[] | undefined
}

/** Where an entry belongs; written into it, so that a reply that belongs elsewhere is noticed. */
export interface Place {
  readonly key: string
  readonly variant: string
}

const version = 4
const digestLength = 43
// What RFC 9111 section 1.2.2 lets a number of seconds be.
const longestMs = 2 ** 31 * 1000
const mostPieces = 2000

/** The form an entry is stored in: a digest of all and its head as JSON, its body as it is. */
export function encodeEntry({ key, variant }: Place, { body, ...head }: Entry): StoredEntry {
  const spans = {
    lifeMs: Math.min(head.lifeMs, longestMs),
    swrMs: Math.min(head.swrMs, longestMs),
    sieMs: Math.min(head.sieMs, longestMs),
  }
  const text = Buffer.from(JSON.stringify({ version, key, variant, ...head, ...spans }))
  return { head: Buffer.concat([Buffer.from(digestOf(text, body)), text]), body }
}

/**
 * The entry of this place; `undefined` for bytes that are torn, of another version or another place,
 * and for what this cache would never have stored.
 */
export function decodeEntry(
  { key, variant }: Place,
  { head, body }: StoredEntry,
): Entry | undefined {
  const whole = Buffer.from(head.buffer, head.byteOffset, head.byteLength)
  const text = whole.subarray(digestLength)
  const read = parse(text)
  if (read?.['version'] !== version || read['key'] !== key || read['variant'] !== variant)
    return undefined
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const { status, fields } = read
  if (!isStatus(status) || !isFields(fields)) return undefined
  const life = lifeOf(read)
  const origin = originOf(read, bytes.length)
  if (life === undefined || origin === undefined) return undefined
  if (whole.toString('latin1', 0, digestLength) !== digestOf(text, bytes)) return undefined
  return { status, fields, ...life, ...origin, body: bytes }
}

type Life = Pick<Entry, 'storedAt' | 'ageMs' | 'lifeMs' | 'swrMs' | 'sieMs' | 'explicit' | 'strict'>

/** How long it may be used, and how. */
function lifeOf(read: Record<string, unknown>): Life | undefined {
  const { storedAt, ageMs, lifeMs, swrMs, sieMs, explicit, strict } = read
  if (!isSpan(storedAt, latest) || !isSpan(ageMs, longestMs) || !isSpan(lifeMs, longestMs))
    return undefined
  if (!isSpan(swrMs, longestMs) || !isSpan(sieMs, longestMs)) return undefined
  if (typeof explicit !== 'boolean' || typeof strict !== 'boolean') return undefined
  return { storedAt, ageMs, lifeMs, swrMs, sieMs, explicit, strict }
}

/** What it was made from, and how it came. */
function originOf(
  { marks, since, pieces }: Record<string, unknown>,
  length: number,
): Pick<Entry, 'marks' | 'since' | 'pieces'> | undefined {
  if (!isMarkList(marks) || !Number.isSafeInteger(since) || (since as number) < 0) return undefined
  if (pieces !== undefined && !arePieces(pieces, length)) return undefined
  return { marks, since: since as number, pieces }
}

/** Pairs that stand in the order in which they came, and add up to the body. */
function arePieces(value: unknown, length: number): value is readonly number[] {
  if (!Array.isArray(value) || value.length % 2 !== 0 || value.length > mostPieces * 2) return false
  let sum = 0
  let last = 0
  for (let at = 0; at < value.length; at += 2) {
    const [bytes, ms] = [value[at], value[at + 1]]
    if (!isWhole(bytes, length) || !isWhole(ms, longestMs) || ms < last) return false
    sum += bytes
    last = ms
  }
  return sum === length
}

/** Finds damage; whoever may write to the store is trusted. */
function digestOf(text: Buffer, body: Buffer): string {
  return createHash('sha256').update(text).update(body).digest('base64url')
}

function parse(text: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text.toString('utf8'))
    return typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

function isStatus(value: unknown): value is number {
  if (!Number.isInteger(value)) return false
  const status = value as number
  return status >= 200 && status <= 599 && status !== 206 && status !== 304
}

// The last moment a Date can hold.
const latest = 8.64e15

function isSpan(value: unknown, most: number): value is number {
  return typeof value === 'number' && value >= 0 && value <= most
}

function isWhole(value: unknown, most: number): value is number {
  return Number.isInteger(value) && isSpan(value, most)
}

// What node:http accepts as a field value.
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/

function isFields(value: unknown): value is Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const entries = Object.entries(value)
  const sound = entries.every(([name, lines]: [string, unknown]) => {
    return isFieldName(name) && (Array.isArray(lines) ? lines : [lines]).every(isFieldValue)
  })
  return sound && Object.keys(storableFields(value as Fields, [])).length === entries.length
}

function isFieldName(name: string): boolean {
  return token.test(name) && name === name.toLowerCase()
}

function isFieldValue(value: unknown): boolean {
  return typeof value === 'string' && fieldValue.test(value)
}

/** How old an entry is now (RFC 9111 section 4.2.3). Clocks of two processes may differ a little. */
export function currentAgeMs({ ageMs, storedAt }: Entry, now: number): number {
  return ageMs + Math.max(0, now - storedAt)
}

import { RequestError } from '../errors.ts'
import type { Changes, NewEntry } from '../ports/history.ts'
import type { Codec } from './codec.ts'
import { type Message, type MessageRules, toEntry } from './message.ts'

/** What to change of a session: absent members stay, `null` removes. */
export interface SessionChanges {
  /** Spaces are collapsed; kept are 200 characters, and more than 1,000 are refused. */
  readonly title?: string | null | undefined
  /** What the application keeps with the session: a plain JSON object of at most 16 KiB. */
  readonly meta?: Readonly<Record<string, unknown>> | null | undefined
  /** Text, or a message of the role `system` or `developer`: takes the place of the newest such message. */
  readonly system?: string | Message | null | undefined
  /** A pinned session stays when the user has more than `maxSessions`. */
  readonly pinned?: boolean | undefined
}

const longestTitle = 200
const longestGivenTitle = 1000
const largestMeta = 16 * 1024

/**
 * The stored form of changes.
 *
 * @throws RequestError 400 for what is none, 413 for what is too large.
 */
export function toChanges(given: SessionChanges, rules: MessageRules, codec: Codec): Changes {
  const { title, meta, system, pinned } = checked(given)
  return {
    title: typeof title === 'string' ? codec.encode('~title', cleanTitle(title)) : title,
    meta: meta ? codec.encode('~meta', plainMeta(meta)) : meta,
    system: typeof system === 'string' || system ? systemEntry(system, rules, codec) : system,
    pinned,
  }
}

/** One line of at most 200 characters. @throws RequestError 400 for an empty one, 413 above 1,000. */
export function cleanTitle(title: string): string {
  if (title.length > longestGivenTitle)
    throw new RequestError(
      413,
      `A title must be at most ${longestGivenTitle} characters, got ${title.length}`,
    )
  const line = title.toWellFormed().replace(/[\s\p{Cc}]+/gu, ' ')
  const [...characters] = line.trim()
  if (characters.length === 0) throw new RequestError(400, 'A title must not be empty')
  return characters.slice(0, longestTitle).join('').trim()
}

const kinds: Readonly<Record<keyof SessionChanges, (value: unknown) => boolean>> = {
  title: (value) => typeof value === 'string' || value === null,
  meta: (value) => value === null || isPlain(value),
  system: (value) =>
    value === null || (typeof value === 'string' && value !== '') || isPlain(value),
  pinned: (value) => typeof value === 'boolean',
}

function checked(given: SessionChanges): SessionChanges {
  if (!isPlain(given)) throw new RequestError(400, 'Changes of a session must be an object')
  for (const [name, value] of Object.entries(given)) {
    const fits = Object.hasOwn(kinds, name) && kinds[name as keyof SessionChanges]
    if (!fits)
      throw new RequestError(
        400,
        `Of a session change ${Object.keys(kinds).join(', ')}: nothing else`,
      )
    if (value !== undefined && !fits(value))
      throw new RequestError(400, `This is no ${name} of a session`)
  }
  return given
}

/** Whether a value is an object that JSON could have made. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

/** As JSON reads it: any serializer then gives back the same. */
function plainMeta(meta: unknown): unknown {
  const text = jsonOf(meta)
  const bytes = Buffer.byteLength(text)
  if (bytes > largestMeta)
    throw new RequestError(
      413,
      `A session's meta must be at most ${largestMeta} bytes, got ${bytes}`,
    )
  return JSON.parse(text)
}

function jsonOf(meta: unknown): string {
  try {
    return JSON.stringify(meta)
  } catch (cause) {
    throw new RequestError(400, "A session's meta must be a plain JSON object", { cause })
  }
}

function systemEntry(system: string | Message, rules: MessageRules, codec: Codec): NewEntry {
  const message: Message = typeof system === 'string' ? { role: 'system', content: system } : system
  const entry = toEntry(message, rules, codec)
  if (entry.role !== 's' && entry.role !== 'd')
    throw new RequestError(400, "A session's system message must have the role system or developer")
  return entry
}

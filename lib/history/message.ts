import { RequestError, StoreError } from '../errors.ts'
import { decodeId, encodeId } from '../keys.ts'
import type { Entry, NewEntry, RoleLetter } from '../ports/history.ts'
import type { Codec } from './codec.ts'

/** Who speaks. `developer` is OpenAI's name for a system message. */
export type Role = 'system' | 'developer' | 'user' | 'assistant' | 'tool'

/** A piece of a message that is more than text: `{ type: 'text', text }`, an image, a tool call. */
export interface ContentPart {
  readonly type: string
}

/**
 * One message of a conversation. Fields beyond these are kept as they came, so that a message of a
 * model provider goes in and out unchanged.
 */
export interface Message {
  /** The same id is kept once, so a repeated append changes nothing. @default a random UUID */
  readonly id?: string
  readonly role: Role
  /** Text, or parts; `null` beside `tool_calls`. */
  readonly content: string | readonly ContentPart[] | null
  /** Milliseconds since 1970. @default now */
  readonly createdAt?: number
}

/** A message as it was kept. */
export interface StoredMessage extends Message {
  readonly id: string
  readonly createdAt: number
}

/** How messages are checked and counted. */
export interface MessageRules {
  /** Bytes of one message as it is stored. */
  readonly maxBytes: number
  readonly count: (message: Message) => number
}

const letters: Readonly<Record<Role, RoleLetter>> = {
  system: 's',
  developer: 'd',
  user: 'u',
  assistant: 'a',
  tool: 't',
}

const roles = Object.fromEntries(
  Object.entries(letters).map(([role, letter]) => [letter, role as Role]),
) as Record<RoleLetter, Role>

/**
 * Checks a message and turns it into what a store keeps.
 *
 * @throws RequestError 400 for a message that is none, 413 for one that is too large.
 */
export function toEntry(
  message: Message,
  { maxBytes, count }: MessageRules,
  codec: Codec,
): NewEntry {
  if (typeof message !== 'object' || message === null || Array.isArray(message))
    throw new RequestError(400, 'A message must be an object')
  const { id = crypto.randomUUID(), role, createdAt = Date.now(), ...rest } = message
  if (typeof role !== 'string' || !Object.hasOwn(letters, role))
    throw new RequestError(
      400,
      `A message's role must be one of ${Object.keys(letters).join(', ')}`,
    )
  checkContent(message)
  if (!Number.isSafeInteger(createdAt) || createdAt < 0)
    throw new RequestError(400, "A message's createdAt must be milliseconds since 1970")
  const encodedId = encodeMessageId(id)
  const payload = encode(codec, encodedId, { ...rest, createdAt })
  if (payload.byteLength > maxBytes)
    throw new RequestError(
      413,
      `A message must be at most ${maxBytes} bytes, got ${payload.byteLength}`,
    )
  return { id: encodedId, role: letters[role], tokens: tokens(message, count), payload }
}

/** Gives back the message. @throws StoreError `corrupt` when the payload is not what was written. */
export function toMessage({ id, role, payload }: Entry, codec: Codec): StoredMessage {
  const body = codec.decode(id, payload) as StoredMessage
  if (typeof body !== 'object' || body === null || body.content === undefined)
    throw new StoreError('read', 'corrupt', {
      cause: new TypeError('The stored message has no content'),
    })
  return { ...body, id: decodeId(id), role: roles[role] }
}

/** The text of a message: of its parts, those that are text. */
export function textOf({ content }: Pick<Message, 'content'>): string {
  if (typeof content === 'string') return content
  return (content ?? [])
    .map((part) => ('text' in part && typeof part.text === 'string' ? part.text : ''))
    .filter((text) => text !== '')
    .join('\n')
}

function checkContent({ content }: Message): void {
  if (typeof content === 'string' || content === null) return
  if (!Array.isArray(content) || content.some((part) => typeof part !== 'object' || part === null))
    throw new RequestError(400, "A message's content must be text or an array of parts")
}

function encode(codec: Codec, id: string, body: unknown): Uint8Array {
  try {
    return codec.encode(id, body)
  } catch (cause) {
    throw new RequestError(400, 'A message must have a stored form', { cause })
  }
}

function encodeMessageId(id: unknown): string {
  try {
    return encodeId('A message id', id)
  } catch (cause) {
    throw new RequestError(400, (cause as Error).message, { cause })
  }
}

function tokens(message: Message, count: (message: Message) => number): number {
  const counted = count(message)
  return Number.isFinite(counted) && counted > 0 ? Math.ceil(counted) : 0
}

import { RequestError, StoreError } from '../errors.ts'
import type { Entry, NewEntry, RoleLetter } from '../ports/history.ts'
import type { Codec } from './codec.ts'
import { incoming } from './formats/detected.ts'
import { deepest, isShape, isTooDeep, type Shape, shapesOf } from './formats/shape.ts'
import { decodeMessageId, encodeMessageId, newMessageId } from './message-id.ts'

/** Who speaks. `developer` is OpenAI's name for a system message. */
export type Role = 'system' | 'developer' | 'user' | 'assistant' | 'tool'

/** A piece of a message that is more than text: `{ type: 'text', text }`, an image, a tool call. */
export type ContentPart = TypedPart | (TypedPart & { readonly [member: string]: unknown })

/** What tells pieces of messages apart. */
interface TypedPart {
  readonly type: string
}

/**
 * One message of a conversation: plain text, or as OpenAI's chat and Anthropic know it. Fields beyond
 * these are kept as they came, so that a message of a model provider goes in and out unchanged.
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

/** An answer of OpenAI's chat that calls tools; it may have no content. */
export interface CallingMessage {
  readonly id?: string
  readonly role: 'assistant'
  readonly content?: string | readonly ContentPart[] | null
  /** Calls, as OpenAI's chat has them: `{ id, type: 'function', function: { name, arguments } }`. */
  readonly tool_calls?: readonly object[]
  readonly createdAt?: number
}

/** The answer of a tool in OpenAI's chat. */
export interface ToolMessage {
  readonly id?: string
  readonly role: 'tool'
  readonly content: string | readonly ContentPart[]
  /** Id of the call that it answers. */
  readonly tool_call_id: string
  readonly createdAt?: number
}

/** A message of the AI SDK's user interface (`UIMessage`). */
export interface UiMessage {
  /** Kept as the message's id where it can be one. @default a random UUID */
  readonly id?: string
  readonly role: 'system' | 'user' | 'assistant'
  readonly parts: readonly ContentPart[]
  readonly metadata?: unknown
}

/** An input or output item of OpenAI's Responses API: a message, a call, an output, reasoning. */
export interface ResponseItem {
  readonly type: string
  /** Kept as the message's id where it can be one. @default a random UUID */
  readonly id?: string | null
}

/** A message in any format that goes in: it is told by its shape. */
export type AnyMessage = Message | CallingMessage | ToolMessage | UiMessage | ResponseItem

/** The format of a stored message; `undefined` stands for text and OpenAI's chat. */
export type MessageFormat = 'openai-responses' | 'anthropic' | 'ai-sdk'

/**
 * A message as it was kept. Whatever came in has `role` and `content`: of a UI message these are its
 * parts, of a Responses item the item alone.
 */
export interface StoredMessage extends Message {
  readonly id: string
  readonly createdAt: number
  readonly format?: MessageFormat
  /** Set on the answer of a turn: the id of the message that it answers. */
  readonly turn?: string
  /** Set where an answer was cut off: it holds what there was of it. */
  readonly status?: 'interrupted' | 'aborted'
  /** What an adapter keeps of a message of its package, beside what all providers know. */
  readonly original?: object
}

/** How messages are checked and counted. */
export interface MessageRules {
  /** Bytes of one message as it is stored. */
  readonly maxBytes: number
  /** Gets the message as it is stored: `role`, `content` and, but for OpenAI's chat, `format`. */
  readonly count: (message: Message) => number
}

/** What is put on a message; taken off again where it goes out in a provider's form. */
export interface Added extends Pick<StoredMessage, 'turn' | 'status'> {
  /** In the place of the message's own. */
  readonly id?: string
  /** Where the message has none. @default a random UUID */
  readonly defaultId?: string
}

const roles: Readonly<Record<RoleLetter, Role>> = {
  s: 'system',
  d: 'developer',
  u: 'user',
  a: 'assistant',
  t: 'tool',
}

/**
 * Checks a message and turns it into what a store keeps.
 *
 * @throws RequestError 400 for a message that is none, 413 for one that is too large.
 */
export function toEntry(
  message: AnyMessage,
  { maxBytes, count }: MessageRules,
  codec: Codec,
  { id: givenTo, defaultId, ...added }: Added = {},
): NewEntry {
  const { body, role, letter, givenId } = incoming(message)
  const { createdAt = Date.now(), id: _, role: __, ...rest } = body
  if (!Number.isSafeInteger(createdAt) || (createdAt as number) < 0)
    throw new RequestError(400, "A message's createdAt must be milliseconds since 1970")
  const named = givenTo ?? givenId ?? defaultId
  const id = named === undefined ? newMessageId() : encodeMessageId(named)
  const counted = { content: null, ...rest, role, id: decodeMessageId(id), createdAt }
  // Added to, not copied: a literal that begins with another object takes ten times as long, on Node 20.
  const kept = Object.assign(rest, added, { createdAt })
  const payload = encode(codec, id, kept)
  if (payload.byteLength > maxBytes)
    throw new RequestError(
      413,
      `A message must be at most ${maxBytes} bytes, got ${payload.byteLength}`,
    )
  if (isTooDeep(kept))
    throw new RequestError(400, `A message must be at most ${deepest} levels deep`)
  return { id, role: letter, tokens: tokens(counted as StoredMessage, count), payload }
}

/** Gives back the message. @throws StoreError `corrupt` when the payload is not what was written. */
export function toMessage(entry: Entry | NewEntry, codec: Codec): StoredMessage {
  const message = toBody(entry, codec)
  message['content'] ??= null
  return message as unknown as StoredMessage
}

/** The message with no more than was kept: OpenAI's assistant may have no content. @throws as `toMessage`. */
export function toBody(entry: Entry | NewEntry, codec: Codec): Record<string, unknown> {
  const { id, role, payload } = entry
  const body = codec.message(id, payload, decodeMessageId(id), roles[role])
  if (isShape(body) && (body['content'] !== undefined || body['tool_calls'] !== undefined))
    return body
  throw new StoreError('read', 'corrupt', {
    cause: new TypeError('The stored message has no content'),
  })
}

/** The text of a message of any format: of its parts, those that are text; of a tool, what it gave. */
export function textOf(message: AnyMessage): string {
  return texts(message).join('\n')
}

function texts(message: unknown): readonly string[] {
  if (!isShape(message)) return []
  const { content, parts, output } = message
  const said = content ?? parts ?? (isOutput(message) ? output : undefined)
  if (typeof said === 'string') return said === '' ? [] : [said]
  return shapesOf(said).flatMap(partTexts)
}

function partTexts(part: Shape): readonly string[] {
  const { type, text } = part
  // An item stands whole in its message; a tool's result has content of its own.
  if (type === 'message' || type === 'tool_result' || isOutput(part)) return texts(part)
  const spoken = type !== 'reasoning' && typeof text === 'string' && text !== ''
  return spoken ? [text] : []
}

function isOutput({ type }: Shape): boolean {
  return typeof type === 'string' && type.endsWith('_call_output')
}

function encode(codec: Codec, id: string, body: unknown): Uint8Array {
  try {
    return codec.encode(id, body)
  } catch (cause) {
    throw new RequestError(400, 'A message must have a stored form', { cause })
  }
}

function tokens(message: Message, count: (message: Message) => number): number {
  const counted = count(message)
  return Number.isFinite(counted) && counted > 0 ? Math.min(Math.ceil(counted), mostTokens) : 0
}

// Whatever a counter of the application tells: sums of all messages must be exact numbers.
const mostTokens = 1e9

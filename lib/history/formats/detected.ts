import { RequestError } from '../../errors.ts'
import type { RoleLetter } from '../../ports/history.ts'
import type { Format, Speaker } from './neutral.ts'
import { isShape, type Shape, shapesOf, someText } from './shape.ts'

/** A format that is named with a stored message; text and OpenAI chat need no name. */
type Tag = Exclude<Format, 'openai'>

/** A message on its way into the store. */
export interface Incoming {
  readonly role: Speaker
  readonly letter: RoleLetter
  /** The id its provider gave it, where it may name the stored message too. */
  readonly givenId: unknown
  /** `content`, `format` and all other members, as they are kept; a role in it may be another one. */
  readonly body: Shape
}

const letters: Readonly<Record<Speaker, RoleLetter>> = {
  system: 's',
  developer: 'd',
  user: 'u',
  assistant: 'a',
  tool: 't',
}

const tags: readonly unknown[] = ['ai-sdk', 'openai-responses', 'anthropic'] satisfies Tag[]

const anthropicTypes: ReadonlySet<unknown> = new Set([
  'tool_use',
  'tool_result',
  'thinking',
  'redacted_thinking',
  'server_tool_use',
  'mcp_tool_use',
  'search_result',
  'container_upload',
])

const itemPartTypes: ReadonlySet<unknown> = new Set([
  'input_text',
  'output_text',
  'input_image',
  'input_file',
])

/** Members of an answer of Anthropic's that are not part of a message to it. */
const answerMembers = ['stop_reason', 'stop_sequence', 'usage']

/**
 * Tells the format of a message by its shape, and gives the form in which it is stored.
 *
 * @throws RequestError 400 for what is no message.
 */
export function incoming(message: unknown): Incoming {
  if (!isShape(message)) throw new RequestError(400, 'A message must be an object')
  if (tags.includes(message['format']) && message['parts'] === undefined) return again(message)
  if (Array.isArray(message['parts'])) return uiMessage(message)
  if (isItem(message)) return item(message)
  return chat(message)
}

/** The letter under which the store keeps a role. @throws RequestError 400 for a role that is none. */
function letterOf(role: unknown, expected = Object.keys(letters)): RoleLetter {
  if (typeof role === 'string' && expected.includes(role)) return letters[role as Speaker]
  throw new RequestError(400, `A message's role must be one of ${expected.join(', ')}`)
}

function tagged(shape: Shape, role: unknown, letter: RoleLetter, givenId: unknown): Incoming {
  return { role: role as Speaker, letter, givenId, body: shape }
}

/** What was read from a history is taken as it was stored. */
function again(message: Shape): Incoming {
  const { content, format, role } = message
  checkParts(content)
  const blocks = shapesOf(content)
  const [first] = blocks
  if (format === 'openai-responses') {
    if (blocks.length !== 1 || first === undefined)
      throw new RequestError(400, 'A stored item must be alone in its message')
    const kept = item(first)
    return { ...kept, givenId: message['id'], body: { ...message, ...kept.body } }
  }
  return format === 'anthropic'
    ? anthropic(message, blocks)
    : tagged(message, role, letterOf(role), message['id'])
}

function uiMessage({ parts, content: _, ...rest }: Shape): Incoming {
  const { role } = rest
  const letter = letterOf(role, ['system', 'user', 'assistant'])
  if (!(parts as unknown[]).every((part) => isShape(part) && typeof part['type'] === 'string'))
    throw new RequestError(400, "A message's parts must be objects with a type")
  return tagged({ ...rest, content: parts, format: 'ai-sdk' }, role, letter, usable(rest['id']))
}

function isItem(message: Shape): boolean {
  const { type, role, content } = message
  if (role !== undefined && content === undefined && typeof type === 'string') return true
  if (role === undefined) return typeof type === 'string'
  const types = shapesOf(content).map((part) => part['type'])
  if (type === 'message') return !isAnswer(message, types)
  return types.some((each) => itemPartTypes.has(each))
}

/** An answer of Anthropic's has the type `message` as well, but other blocks. */
function isAnswer(message: Shape, types: readonly unknown[]): boolean {
  if (answerMembers.some((name) => message[name] !== undefined)) return true
  return types.some((type) => type === 'text' || anthropicTypes.has(type))
}

function item(shape: Shape): Incoming {
  const type = someText(shape['type']) ?? 'message'
  const role = itemRole(type, shape)
  const letter = letterOf(role)
  // A reference has the id of another item.
  const givenId = type === 'item_reference' ? undefined : usable(shape['id'])
  return tagged({ content: [shape], format: 'openai-responses' }, role, letter, givenId)
}

function itemRole(type: string, shape: Shape): unknown {
  if (type !== 'message') return isOutput(type) ? 'tool' : 'assistant'
  letterOf(shape['role'], ['system', 'developer', 'user', 'assistant'])
  if (typeof shape['content'] !== 'string') checkParts(shape['content'])
  return shape['role']
}

/** True for an item that answers a call. */
function isOutput(type: string): boolean {
  return type.endsWith('_output') || type === 'mcp_approval_response'
}

function chat(message: Shape): Incoming {
  const { role, content, id } = message
  const letter = letterOf(role)
  checkContent(message)
  const blocks = shapesOf(content)
  if (!isAnthropic(message, blocks)) return tagged(message, role, letter, id)
  return anthropic({ ...message, format: 'anthropic' }, blocks)
}

function anthropic(message: Shape, blocks: readonly Shape[]): Incoming {
  const { role, id } = message
  const letter = letterOf(role, ['system', 'user', 'assistant', 'tool'])
  // Results of tools are no turn of a user's, even where text stands beside them.
  const results = letter === 'u' && blocks.some((block) => block['type'] === 'tool_result')
  return results ? tagged(message, 'tool', 't', id) : tagged(message, role, letter, id)
}

function isAnthropic(message: Shape, blocks: readonly Shape[]): boolean {
  if (message['type'] === 'message') return true
  return blocks.some(({ type, source }) => {
    if (typeof type !== 'string') return false
    if (type === 'image' || type === 'document') return isShape(source)
    return anthropicTypes.has(type) || type.endsWith('_tool_result')
  })
}

function checkContent(message: Shape): void {
  const { content, role } = message
  if (typeof content === 'string' || content === null) return
  // OpenAI's assistant may leave the content out beside what it calls.
  if (content === undefined && role === 'assistant' && Array.isArray(message['tool_calls'])) return
  checkParts(content)
}

function checkParts(content: unknown): void {
  if (!Array.isArray(content) || shapesOf(content).length !== content.length)
    throw new RequestError(400, "A message's content must be text or an array of parts")
}

/** An id that another package made up is taken where it can be. */
function usable(id: unknown): string | undefined {
  if (typeof id !== 'string' || id === '' || id.length > 128) return undefined
  return id.isWellFormed() && Buffer.byteLength(id) <= 128 ? id : undefined
}

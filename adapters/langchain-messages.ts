import { isDeepStrictEqual } from 'node:util'
import { type BaseMessage, mapStoredMessagesToChatMessages } from '@langchain/core/messages'
import { UsageError } from '../lib/errors.ts'
import { interruptedText } from '../lib/history/formats/neutral.ts'
import { isShape, only, parsed, type Shape, shapesOf } from '../lib/history/formats/shape.ts'
import type { AnyMessage, StoredMessage } from '../lib/history/message.ts'
import { chatContent, plainContent } from './langchain-content.ts'
import { usableId } from './usable-id.ts'

type Stored = Parameters<typeof mapStoredMessagesToChatMessages>[0]

/** What a message has in LangChain that OpenAI's chat does not know, or knows by another name. */
const beside = [
  'name',
  'role',
  'additional_kwargs',
  'response_metadata',
  'invalid_tool_calls',
  'usage_metadata',
  'status',
  'artifact',
  'metadata',
]

/** Types that a message of a role may have; the first is the usual one. */
const types: Readonly<Record<string, readonly string[]>> = {
  user: ['human', 'generic'],
  assistant: ['ai', 'generic', 'function'],
  system: ['system', 'generic'],
  developer: ['system'],
  tool: ['tool'],
}

/**
 * A message of LangChain's as it is stored: as OpenAI's chat knows it, with the rest beside it.
 *
 * @throws UsageError for what only removes other messages.
 */
export function toStored(message: BaseMessage): AnyMessage {
  const from = message as unknown as Shape
  const type = message.getType()
  if (type === 'remove') throw new UsageError('A RemoveMessage is nothing to keep')
  const role = roleOf(type, from)
  const given = plainContent(from['content'])
  const content = chatContent(given, role)
  const calls = shapesOf(from['tool_calls'])
  const toolCalls = calls.flatMap(called)
  const more = {
    ...(isDeepStrictEqual(content, given) ? {} : { content: given }),
    ...(isDeepStrictEqual(toolCalls.map(calling), calls) ? {} : { tool_calls: calls }),
  }
  return {
    ...usableId(message.id),
    role,
    content,
    ...(toolCalls.length > 0 && { tool_calls: toolCalls }),
    ...(type === 'tool' && { tool_call_id: from['tool_call_id'] }),
    original: { langchain: { type, ...filled(only(from, ...beside)), ...more } },
  } as AnyMessage
}

/** A message of OpenAI's chat in LangChain; `stored` is what it was made of, where that is one. */
export function toLangchain(message: Shape, stored: StoredMessage | undefined): BaseMessage {
  const role = String(message['role'])
  const usual = types[role] ?? ['human']
  const { type, ...kept } = keptOf(stored)
  const fits = usual.includes(String(type))
  const data = {
    content: message['content'] ?? '',
    ...(role === 'assistant' && { tool_calls: shapesOf(message['tool_calls']).flatMap(calling) }),
    ...(role === 'developer' && { additional_kwargs: { [openAiRole]: role } }),
    ...(role === 'tool' && { tool_call_id: message['tool_call_id'] }),
    ...(message['content'] === interruptedText && !stored && { status: 'error' }),
    ...(fits ? kept : {}),
    ...(stored && { id: stored.id }),
  }
  const [made] = mapStoredMessagesToChatMessages([
    { type: fits ? type : usual[0], data },
  ] as unknown as Stored)
  return made as BaseMessage
}

const openAiRole = '__openai_role__'

function roleOf(type: string, { role, additional_kwargs: more }: Shape): string {
  switch (type === 'generic' ? role : type) {
    case 'ai':
    case 'assistant':
    case 'function':
      return 'assistant'
    case 'system':
      return isShape(more) && more[openAiRole] === 'developer' ? 'developer' : 'system'
    case 'tool':
      return type === 'tool' ? 'tool' : 'user'
    default:
      return 'user'
  }
}

/** A call as OpenAI's chat knows it; nothing for one that has no id. */
function called({ id, name, args }: Shape): readonly Shape[] {
  if (typeof id !== 'string' || id === '') return []
  return [{ id, type: 'function', function: { name, arguments: JSON.stringify(args ?? {}) } }]
}

function calling({ id, function: named, custom }: Shape): Shape {
  const { name, arguments: text, input } = { ...(named ?? custom ?? {}) } as Shape
  const args = parsed(String(text ?? '{}'))
  if (custom) return { name, args: { input }, id, type: 'tool_call' }
  return { name, args: isShape(args) ? args : { input: args }, id, type: 'tool_call' }
}

function filled(members: Shape): Shape {
  const told = Object.entries(members).filter(([, value]) => {
    if (value === undefined || value === null) return false
    return typeof value !== 'object' || Object.keys(value).length > 0
  })
  return Object.fromEntries(told)
}

function keptOf(stored: StoredMessage | undefined): Shape {
  const { langchain } = { ...stored?.original } as Shape
  return isShape(langchain) ? langchain : {}
}

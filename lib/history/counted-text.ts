import { isShape, only, type Shape } from './formats/shape.ts'
import type { Message } from './message.ts'

/** Members that are bytes, or marks of a provider: not what a model reads as text. */
const unread = new Set([
  'data',
  'image_url',
  'file_data',
  'url',
  'encrypted_content',
  'signature',
  'providerMetadata',
  'callProviderMetadata',
])

/** Members that are counted by themselves, or that no model reads. */
const beside = new Set([
  'content',
  'id',
  'role',
  'createdAt',
  'format',
  'status',
  'turn',
  'metadata',
  'original',
])

/**
 * What a model reads of a message in its stored form: text as it is, calls and results as JSON, no
 * bytes of files. For counting tokens.
 */
export function countedText(message: Message): string {
  const { content } = message
  const said = typeof content === 'string' ? content : (content ?? []).map(read).join('\n')
  const more = Object.keys(message).filter((name) => !beside.has(name))
  return more.length > 0 ? said + written(only(message as unknown as Shape, ...more)) : said
}

function read(part: unknown): string {
  return isShape(part) && part['type'] === 'text' && typeof part['text'] === 'string'
    ? part['text']
    : written(part)
}

function written(value: unknown): string {
  return JSON.stringify(value, (name, member) => (unread.has(name) ? undefined : member)) ?? ''
}

import type { Format, Source } from './neutral.ts'
import { type Shape, shapesOf, without } from './shape.ts'

/** What an answer of Anthropic's has beside its role and content; a message to it must not have them. */
const answerOnly = [
  'type',
  'model',
  'stop_reason',
  'stop_sequence',
  'stop_details',
  'usage',
  'container',
  'context_management',
]

/** The format of a stored message. */
export function formatOf({ format, content }: Shape): Format {
  const known = format === 'ai-sdk' || format === 'anthropic' || format === 'openai-responses'
  return known && Array.isArray(content) ? format : 'openai'
}

/** A stored message as it came in: what this package has put on it is taken off again. */
export function sourceOf(id: string, stored: Shape): Source {
  const format = formatOf(stored)
  const partial = stored['status'] === 'interrupted' || stored['status'] === 'aborted'
  const added = ['id', 'createdAt', 'turn', 'original', ...(partial ? ['status'] : [])]
  const rest = without(stored, ...added)
  return { id, format, partial, message: asItCame(format, id, rest) }
}

function asItCame(format: Format, id: string, rest: Shape): Shape {
  if (format === 'openai') return rest
  const { content, role, ...more } = without(rest, 'format')
  if (format === 'ai-sdk') return { id, role, ...more, parts: shapesOf(content) }
  if (format === 'openai-responses') return shapesOf(content)[0] ?? {}
  const shell = more['type'] === 'message' ? without(more, ...answerOnly) : more
  return { ...shell, role: role === 'tool' ? 'user' : role, content }
}

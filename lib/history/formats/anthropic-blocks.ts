import { fileMark, isImage } from './files.ts'
import {
  blockIn,
  type Call,
  type FilePiece,
  type Piece,
  type ReasoningPiece,
  type Result,
} from './neutral.ts'
import { isShape, only, type Shape, shapesOf, someText } from './shape.ts'

/** A block of a user's message; `undefined` for what Anthropic does not know there. */
export function userBlock(piece: Piece): Shape | undefined {
  if (piece.kind === 'text' || piece.kind === 'refusal') return textBlock(piece)
  const block = blockIn('anthropic', piece)
  if (block) return block
  return piece.kind === 'file' ? fileBlock(piece) : undefined
}

/** A block of an assistant's message; `undefined` for what Anthropic does not know there. */
export function assistantBlock(piece: Piece): Shape | undefined {
  switch (piece.kind) {
    case 'text':
    case 'refusal':
      return textBlock(piece)
    case 'reasoning':
      return thinkingBlock(piece)
    case 'call':
      return piece.bound ? undefined : callBlock(piece)
    default:
      return blockIn('anthropic', piece)
  }
}

/** The block of a tool's result. */
export function answerBlock(result: Result): Shape {
  const block = blockIn('anthropic', result)
  const tool_use_id = result.id
  if (!block) {
    const content = isBlank(result.text) ? {} : { content: result.text }
    const error = result.error ? { is_error: true } : {}
    return { type: 'tool_result', tool_use_id, ...content, ...error }
  }
  const kept = shapesOf(block['content']).filter(
    ({ type, text }) => type !== 'text' || !isBlank(text),
  )
  const { content } = block
  if (!Array.isArray(content) || kept.length === content.length)
    return block['tool_use_id'] === tool_use_id ? block : { ...block, tool_use_id }
  return { ...block, tool_use_id, content: kept }
}

/** True for text in which there is nothing, which Anthropic refuses. */
export function isBlank(text: unknown): boolean {
  return typeof text !== 'string' || text.trim() === ''
}

function textBlock(piece: Piece & { text: string }): Shape | undefined {
  if (isBlank(piece.text)) return undefined
  const own = blockIn('anthropic', piece)
  if (own) return own
  const plain = blockIn('openai', piece)
  if (plain?.['type'] !== 'text') return { type: 'text', text: piece.text }
  // A text part is the same for both, with what Anthropic knows of it.
  return only(plain, 'type', 'text', 'cache_control', 'citations')
}

/** Only thinking that Anthropic itself has signed can be handed back to it. */
function thinkingBlock({ text, signature, redacted, of }: ReasoningPiece): Shape | undefined {
  const whole = signature !== undefined || redacted !== undefined
  if (!whole) return undefined
  if (of?.format === 'anthropic') return of.block
  if (redacted !== undefined) return { type: 'redacted_thinking', data: redacted }
  return { type: 'thinking', thinking: text, signature }
}

function callBlock(call: Call): Shape {
  const block = blockIn('anthropic', call)
  const { id } = call
  const given = call.input ?? {}
  const input = isShape(given) ? given : { input: given }
  if (!block) return { type: 'tool_use', id, name: safe(call.name).slice(0, 128), input }
  return block['id'] === id && block['input'] === input ? block : { ...block, id, input }
}

/** Ids and names of other providers may hold what Anthropic refuses. */
export function safe(name: string): string {
  return name.replace(/[^\w-]/g, '_')
}

const images = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp'])

function fileBlock(file: FilePiece): Shape {
  const { mediaType, base64, url, name } = file
  const title = someText(name) === undefined ? {} : { title: name }
  if (url !== undefined) {
    const source = { type: 'url', url }
    if (isImage(file)) return { type: 'image', source }
    return mediaType === 'application/pdf'
      ? { type: 'document', source, ...title }
      : { type: 'text', text: fileMark(file) }
  }
  const source = { type: 'base64', media_type: mediaType, data: base64 }
  if (images.has(mediaType)) return { type: 'image', source }
  if (mediaType === 'application/pdf') return { type: 'document', source, ...title }
  return { type: 'text', text: fileMark(file) }
}

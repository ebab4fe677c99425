import { fileAt } from './files.ts'
import type { Line, Origin, Piece, Source, Speaker } from './neutral.ts'
import { asText, isShape, type Shape, shapesOf, someText } from './shape.ts'

/** What an Anthropic message says; results of tools, which stand in a user's message, apart. */
export function anthropicLines(source: Source): readonly Line[] {
  const { content, role } = source.message
  const pieces =
    typeof content === 'string'
      ? content === ''
        ? []
        : [{ kind: 'text', text: content } as const]
      : shapesOf(content).flatMap(blockPieces)
  const speaker = role as Speaker
  if (role !== 'user') return [{ role: speaker, source, pieces, changed: false }]
  const results = pieces.filter(({ kind }) => kind === 'result')
  const rest = pieces.filter(({ kind }) => kind !== 'result')
  const lines: Line[] = [{ role: 'tool', source, pieces: results, changed: false }]
  if (rest.length > 0 || results.length === 0)
    lines.push({ role: speaker, source, pieces: rest, changed: false })
  return results.length > 0 ? lines : lines.slice(1)
}

function blockPieces(block: Shape): readonly Piece[] {
  const of: Origin = { format: 'anthropic', block }
  switch (block['type']) {
    case 'text': {
      const text = someText(block['text'])
      return text === undefined ? [] : [{ kind: 'text', text, of }]
    }
    case 'thinking':
    case 'redacted_thinking':
      return [thinking(block, of)]
    case 'tool_use': {
      const id = someText(block['id'])
      const name = someText(block['name'])
      if (id === undefined || name === undefined) return []
      return [{ kind: 'call', id, name, input: block['input'] ?? {}, of }]
    }
    case 'tool_result': {
      const id = someText(block['tool_use_id'])
      const error = block['is_error'] === true
      return id === undefined ? [] : [{ kind: 'result', id, text: textOf(block), error, of }]
    }
    case 'image':
    case 'document':
      return fileOf(block, of)
    default:
      return typeof block['type'] === 'string' ? [other(block, of)] : []
  }
}

function other(block: Shape, of: Origin): Piece {
  return { kind: 'other', name: String(block['type']), of }
}

function thinking(block: Shape, of: Origin): Piece {
  const text = asText(block['thinking']) ?? ''
  const signature = someText(block['signature'])
  return { kind: 'reasoning', text, signature, redacted: someText(block['data']), of }
}

function textOf({ content }: Shape): string {
  if (typeof content === 'string') return content
  return shapesOf(content)
    .flatMap((part) => someText(part['text']) ?? [])
    .join('\n')
}

function fileOf(block: Shape, of: Origin): readonly Piece[] {
  const { source } = block
  if (!isShape(source)) return []
  const image = block['type'] === 'image'
  const mediaType = someText(source['media_type']) ?? (image ? 'image/*' : 'application/pdf')
  const name = someText(block['title'])
  const data = someText(source['data'])
  const url = someText(source['url'])
  if (source['type'] === 'base64' && data !== undefined)
    return [{ kind: 'file', mediaType, base64: data, name, of }]
  if (source['type'] === 'url' && url !== undefined) return [fileAt(url, { mediaType, name, of })]
  if (source['type'] === 'text' && data !== undefined) return [{ kind: 'text', text: data, of }]
  return [other(block, of)]
}

import { fileAt } from './files.ts'
import type { Call, Line, OtherPiece, Piece, Result, Source, Speaker } from './neutral.ts'
import { asText, isShape, parsed, type Shape, shapesOf, someText, written } from './shape.ts'

/** What an OpenAI chat message says; a message of the AI SDK's models is understood as well. */
export function openAiLines(source: Source): readonly Line[] {
  const { message } = source
  const role = message['role'] as Speaker
  const partTypes = role === 'assistant' ? assistantParts : userParts
  const parts = shapesOf(message['content'])
  const read = contentPieces(message['content'])
  const foreign = parts.some(({ type }) => !partTypes.has(type) && modelParts.has(type))
  if (role === 'tool') return [{ role, source, pieces: results(source), changed: foreign }]
  const calls = role === 'assistant' ? callsOf(message) : { pieces: [], changed: false }
  const refusal = someText(message['refusal'])
  const pieces: Piece[] = [...read, ...calls.pieces]
  if (refusal !== undefined) pieces.push({ kind: 'refusal', text: refusal })
  if (['audio', 'function_call'].some((name) => isShape(message[name])))
    pieces.push({ kind: 'other', name: 'audio', of: { format: 'openai', block: message } })
  const { content } = message
  const lacking = Array.isArray(content)
    ? read.length === 0 || read.length < content.length
    : content !== '' && pieces.length === 0
  const changed = foreign || calls.changed || lacking
  return [{ role, source, pieces, changed }, ...resultsOf(source)]
}

const userParts: ReadonlySet<unknown> = new Set(['text', 'image_url', 'input_audio', 'file'])
const assistantParts: ReadonlySet<unknown> = new Set(['text', 'refusal'])
/** Parts of the AI SDK's model messages, which no provider takes as they are. */
const modelParts: ReadonlySet<unknown> = new Set([
  'tool-call',
  'tool-result',
  'reasoning',
  'image',
  'file',
])

function contentPieces(content: unknown): readonly Piece[] {
  if (typeof content === 'string') return content === '' ? [] : [{ kind: 'text', text: content }]
  return shapesOf(content).flatMap(partPieces)
}

function partPieces(block: Shape): readonly Piece[] {
  const of = { format: 'openai', block } as const
  switch (block['type']) {
    case 'text': {
      const text = someText(block['text'])
      return text === undefined ? [] : [{ kind: 'text', text, of }]
    }
    case 'refusal': {
      const text = someText(block['refusal'])
      return text === undefined ? [] : [{ kind: 'refusal', text, of }]
    }
    case 'image_url': {
      const url = isShape(block['image_url']) ? someText(block['image_url']['url']) : undefined
      return url === undefined ? [other(block)] : [fileAt(url, { mediaType: 'image/*', of })]
    }
    case 'input_audio':
      return audio(block)
    case 'file':
      return isShape(block['file']) ? [openAiFile(block, block['file'])] : modelFile(block)
    default:
      return modelPieces(block)
  }
}

function other(block: Shape): OtherPiece {
  return { kind: 'other', name: String(block['type']), of: { format: 'openai', block } }
}

function audio(block: Shape): readonly Piece[] {
  const { input_audio: sound } = block
  const base64 = isShape(sound) ? someText(sound['data']) : undefined
  if (!isShape(sound) || base64 === undefined) return [other(block)]
  const mediaType = `audio/${someText(sound['format']) ?? 'wav'}`
  return [{ kind: 'file', mediaType, base64, of: { format: 'openai', block } }]
}

function openAiFile(block: Shape, file: Shape): Piece {
  const bytes = someText(file['file_data'])
  if (bytes === undefined) return other(block)
  const of = { format: 'openai', block } as const
  const name = someText(file['filename'])
  if (bytes.startsWith('data:')) return fileAt(bytes, { mediaType: 'application/pdf', name, of })
  return { kind: 'file', mediaType: 'application/pdf', base64: bytes, name, of }
}

function modelPieces(block: Shape): readonly Piece[] {
  const { type } = block
  if (type === 'image') return modelFile(block)
  if (type === 'reasoning') {
    const text = someText(block['text'])
    return text === undefined ? [] : [{ kind: 'reasoning', text }]
  }
  if (type === 'tool-call') {
    const id = someText(block['toolCallId'])
    const name = someText(block['toolName'])
    if (id === undefined || name === undefined) return []
    return [{ kind: 'call', id, name, input: block['input'] }]
  }
  if (typeof type !== 'string' || type === '' || type === 'tool-result') return []
  return [other(block)]
}

function modelFile(block: Shape): readonly Piece[] {
  const at = someText(block['data']) ?? someText(block['image'])
  if (at === undefined) return []
  const mediaType = someText(block['mediaType']) ?? 'image/png'
  const name = someText(block['filename'])
  if (/^(https?|data):/.test(at)) {
    const { of: _, ...file } = fileAt(at, { mediaType, name, of: { format: 'openai', block } })
    return [file]
  }
  return [{ kind: 'file', mediaType, base64: at, name }]
}

function callsOf(message: Shape): { pieces: readonly Call[]; changed: boolean } {
  const calls = message['tool_calls']
  if (calls === undefined || calls === null) return { pieces: [], changed: false }
  const pieces = shapesOf(calls).flatMap(callOf)
  const whole = Array.isArray(calls) && calls.length > 0 && pieces.length === calls.length
  return { pieces, changed: !whole }
}

function callOf(block: Shape): readonly Call[] {
  const id = someText(block['id'])
  if (id === undefined) return []
  const named = isShape(block['custom']) ? block['custom'] : block['function']
  if (!isShape(named) || someText(named['name']) === undefined) return []
  const text = asText(named['arguments']) ?? asText(named['input'])
  if (text === undefined) return []
  const input = named === block['custom'] ? text : parsed(text)
  const name = String(named['name'])
  return [{ kind: 'call', id, name, input, of: { format: 'openai', block } }]
}

function results(source: Source): readonly Result[] {
  const { message } = source
  const id = someText(message['tool_call_id'])
  if (id === undefined) return modelResults(message)
  const { content } = message
  const text = typeof content === 'string' ? content : textsOf(content)
  return [{ kind: 'result', id, text, error: false, of: { format: 'openai', block: message } }]
}

function textsOf(content: unknown): string {
  return shapesOf(content)
    .flatMap((part) => someText(part['text']) ?? [])
    .join('\n')
}

/** Results that stand in an assistant's message: what the provider itself has carried out. */
function resultsOf(source: Source): readonly Line[] {
  if (source.message['role'] !== 'assistant') return []
  const pieces = modelResults(source.message)
  return pieces.length === 0 ? [] : [{ role: 'tool', source, pieces, changed: true }]
}

function modelResults(message: Shape): readonly Result[] {
  return shapesOf(message['content']).flatMap((block) => {
    const id = someText(block['toolCallId'])
    if (block['type'] !== 'tool-result' || id === undefined) return []
    const output = isShape(block['output']) ? block['output'] : {}
    const error = asText(output['type'])?.startsWith('error') ?? false
    return [{ kind: 'result', id, text: written(output['value'] ?? ''), error }] as const
  })
}

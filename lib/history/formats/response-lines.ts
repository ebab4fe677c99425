import { fileAt } from './files.ts'
import type { Line, Origin, Piece, Source, Speaker } from './neutral.ts'
import { isShape, parsed, type Shape, shapesOf, someText, written } from './shape.ts'

/** Calls that the application carries out itself, and whose results cannot be made up. */
const boundCalls: ReadonlyMap<unknown, string> = new Map([
  ['computer_call', 'computer_call_output'],
  ['local_shell_call', 'local_shell_call_output'],
  ['shell_call', 'shell_call_output'],
  ['apply_patch_call', 'apply_patch_call_output'],
  ['mcp_approval_request', 'mcp_approval_response'],
])

const boundOutputs = new Set(boundCalls.values())

/** What an item of OpenAI's Responses API says. */
export function responseLines(source: Source): readonly Line[] {
  const item = source.message
  const of: Origin = { format: 'openai-responses', block: item }
  if (item['type'] === 'message' || item['type'] === undefined) return [spoken(source)]
  const piece = pieceOf(item, of)
  if (piece === undefined) return []
  const role = piece.kind === 'result' ? 'tool' : 'assistant'
  return [{ role, source, pieces: [piece], changed: false }]
}

function spoken(source: Source): Line {
  const { content, role } = source.message
  const pieces =
    typeof content === 'string'
      ? content === ''
        ? []
        : [{ kind: 'text', text: content } as const]
      : shapesOf(content).flatMap(partPieces)
  const length = Array.isArray(content) ? content.length : 1
  return { role: role as Speaker, source, pieces, changed: pieces.length < length }
}

function partPieces(block: Shape): readonly Piece[] {
  const of: Origin = { format: 'openai-responses', block }
  switch (block['type']) {
    case 'input_text':
    case 'output_text':
    case 'text': {
      const text = someText(block['text'])
      return text === undefined ? [] : [{ kind: 'text', text, of }]
    }
    case 'refusal': {
      const text = someText(block['refusal'])
      return text === undefined ? [] : [{ kind: 'refusal', text, of }]
    }
    case 'input_image':
    case 'input_file':
      return [fileOf(block, of)]
    default:
      return typeof block['type'] === 'string' ? [other(block['type'], of)] : []
  }
}

function other(name: string, of: Origin): Piece {
  return { kind: 'other', name, of }
}

function fileOf(block: Shape, of: Origin): Piece {
  const image = block['type'] === 'input_image'
  const mediaType = image ? 'image/*' : 'application/pdf'
  const name = someText(block['filename'])
  const at = someText(image ? block['image_url'] : block['file_url'])
  if (at !== undefined) return fileAt(at, { mediaType, name, of })
  const bytes = someText(block['file_data'])
  if (bytes === undefined) return other(String(block['type']), of)
  if (bytes.startsWith('data:')) return fileAt(bytes, { mediaType, name, of })
  return { kind: 'file', mediaType, base64: bytes, name, of }
}

function pieceOf(item: Shape, of: Origin): Piece | undefined {
  const { type } = item
  if (typeof type !== 'string') return undefined
  switch (type) {
    case 'reasoning':
      return reasoning(item, of)
    case 'function_call':
    case 'custom_tool_call':
      return call(item, of)
    case 'function_call_output':
    case 'custom_tool_call_output':
      return output(item, of)
    default:
      return bound(type, item, of) ?? other(type, of)
  }
}

function bound(name: string, item: Shape, of: Origin): Piece | undefined {
  const answer = boundCalls.get(name)
  const pair = `${answer ?? name} ${pairId(item)}`
  if (answer !== undefined) return { kind: 'call', id: pair, name, input: {}, bound: true, of }
  if (!boundOutputs.has(name)) return undefined
  return { kind: 'result', id: pair, text: '', error: false, bound: true, of }
}

/** By what an output names its call; a local shell's has the call's own id. */
function pairId(item: Shape): string {
  const { call_id, approval_request_id, id } = item
  return someText(call_id) ?? someText(approval_request_id) ?? someText(id) ?? ''
}

function reasoning(item: Shape, of: Origin): Piece {
  const texts = [...shapesOf(item['summary']), ...shapesOf(item['content'])]
  const text = texts.flatMap((part) => someText(part['text']) ?? []).join('\n')
  const encrypted = someText(item['encrypted_content'])
  return { kind: 'reasoning', text, item: someText(item['id']), encrypted, of }
}

function call(item: Shape, of: Origin): Piece | undefined {
  const id = someText(item['call_id'])
  const name = someText(item['name'])
  const given = item['type'] === 'function_call' ? item['arguments'] : item['input']
  if (id === undefined || name === undefined || typeof given !== 'string') return undefined
  return {
    kind: 'call',
    id,
    name,
    input: item['type'] === 'function_call' ? parsed(given) : given,
    of,
  }
}

function output(item: Shape, of: Origin): Piece | undefined {
  const id = someText(item['call_id'])
  if (id === undefined) return undefined
  const given = item['output']
  const texts = shapesOf(given).flatMap((part) => someText(part['text']) ?? [])
  const text = Array.isArray(given) ? texts.join('\n') : written(given)
  return { kind: 'result', id, text, error: isShape(given), of }
}

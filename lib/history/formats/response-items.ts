import { addressOf, fileMark, isImage } from './files.ts'
import {
  blockIn,
  type Call,
  emptyText,
  type FilePiece,
  type Line,
  type Piece,
  type ReasoningPiece,
  type Result,
  type Said,
  type Step,
  textIn,
} from './neutral.ts'
import { asText, type Shape, without, written } from './shape.ts'

/** Input items of OpenAI's Responses API of a repaired conversation. */
export function responseItems(parts: readonly (Said | Step)[]): Shape[] {
  const items = parts.flatMap((part) => {
    if (part.kind === 'said') return [said(part.line)]
    const custom = customCalls(part)
    const answers = part.results.map((result) => answer(result, custom.has(result.id)))
    return [...part.lines.flatMap(spoken), ...answers]
  })
  return items.filter((item, at) => item['type'] !== 'reasoning' || followed(items, at))
}

/** True where an item of the model's comes after a reasoning item and those beside it. */
function followed(items: readonly Shape[], at: number): boolean {
  let next = at + 1
  while (items[next]?.['type'] === 'reasoning') next += 1
  const item = items[next]
  if (item === undefined) return false
  if (item['role'] !== undefined) return item['role'] === 'assistant'
  return !asText(item['type'])?.endsWith('_output') && item['type'] !== 'mcp_approval_response'
}

function said({ source, role, pieces, changed }: Line): Shape {
  const native = source.format === 'openai-responses'
  if (native && !changed) return source.message
  const shell = native ? without(source.message, 'content') : { role }
  const plain = pieces.every(({ kind, of }) => kind === 'text' && of?.format !== 'openai-responses')
  if (plain) return { ...shell, content: textIn(pieces) || emptyText }
  const content = pieces.flatMap((piece) => blockIn('openai-responses', piece) ?? parted(piece))
  return { ...shell, content: content.length > 0 ? content : emptyText }
}

function parted(piece: Piece): readonly Shape[] {
  if (piece.kind === 'text' || piece.kind === 'refusal')
    return [{ type: 'input_text', text: piece.text }]
  return piece.kind === 'file' ? [filePart(piece)] : []
}

function filePart(file: FilePiece): Shape {
  const url = addressOf(file)
  if (url === undefined) return { type: 'input_text', text: fileMark(file) }
  if (isImage(file)) return { type: 'input_image', image_url: url, detail: 'auto' }
  if (file.url !== undefined) return { type: 'input_file', file_url: url }
  return { type: 'input_file', filename: file.name ?? 'file', file_data: url }
}

function spoken({ source, pieces, changed }: Line): Shape[] {
  if (source.format !== 'openai-responses') return converted(pieces)
  const item = source.message
  const [first] = pieces
  if (first?.kind === 'call') return [called(first)]
  if (!changed) return [item]
  const content = pieces.flatMap((piece) => blockIn('openai-responses', piece) ?? [])
  return content.length > 0 ? [{ ...item, content }] : []
}

/** Text that stands together is one message; calls and reasoning are items of their own. */
function converted(pieces: readonly Piece[]): Shape[] {
  const items: Shape[] = []
  let texts: Piece[] = []
  const flush = () => {
    const content = textIn(texts)
    texts = []
    if (content.trim() !== '') items.push({ role: 'assistant', content })
  }
  for (const piece of pieces) {
    if (piece.kind === 'text' || piece.kind === 'refusal') texts.push(piece)
    const item = itemOf(piece)
    if (item) {
      flush()
      items.push(item)
    }
  }
  flush()
  return items
}

function itemOf(piece: Piece): Shape | undefined {
  if (piece.kind === 'call') return piece.bound ? undefined : called(piece)
  return piece.kind === 'reasoning' ? reasoning(piece) : undefined
}

/** Only reasoning of OpenAI's own can be handed back to it. */
function reasoning({ item, encrypted, text }: ReasoningPiece): Shape | undefined {
  if (item === undefined) return undefined
  const summary = text === '' ? [] : [{ type: 'summary_text', text }]
  const content = encrypted === undefined ? {} : { encrypted_content: encrypted }
  return { type: 'reasoning', id: item, summary, ...content }
}

function called(call: Call): Shape {
  const block = blockIn('openai-responses', call)
  if (block)
    return call.bound || block['call_id'] === call.id ? block : { ...block, call_id: call.id }
  const { id, name, input } = call
  return { type: 'function_call', call_id: id, name, arguments: written(input ?? {}) }
}

/** Calls of custom tools, whose outputs have a type of their own. */
function customCalls({ lines }: Step): ReadonlySet<string> {
  const calls = lines.flatMap(({ pieces }) => pieces).filter((piece) => piece.kind === 'call')
  const custom = calls.filter(
    (call) => blockIn('openai-responses', call)?.['type'] === 'custom_tool_call',
  )
  return new Set(custom.map(({ id }) => id))
}

function answer(result: Result, custom: boolean): Shape {
  const block = blockIn('openai-responses', result)
  const type = custom ? 'custom_tool_call_output' : 'function_call_output'
  if (!block) return { type, call_id: result.id, output: result.text }
  if (result.bound) return block
  const { output } = block
  const fits = typeof output === 'string' || Array.isArray(output)
  if (fits && block['call_id'] === result.id && block['type'] === type) return block
  return { ...block, type, output: fits ? output : result.text, call_id: result.id }
}

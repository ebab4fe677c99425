import { addressOf, fileMark, isImage } from './files.ts'
import {
  blockIn,
  type Call,
  emptyText,
  type FilePiece,
  type Line,
  type Piece,
  type Result,
  type Said,
  type Step,
  textIn,
} from './neutral.ts'
import { type Shape, without, written } from './shape.ts'

/** OpenAI chat messages of a repaired conversation. */
export function openAiMessages(parts: readonly (Said | Step)[]): Shape[] {
  return parts.flatMap((part) => (part.kind === 'said' ? [said(part.line)] : stepMessages(part)))
}

function said({ source, role, pieces, changed }: Line): Shape {
  const native = source.format === 'openai'
  if (native && !changed) return source.message
  const shell = native ? without(source.message, 'content') : { role }
  const plain = pieces.every(({ kind, of }) => kind === 'text' && of?.format !== 'openai')
  if (plain) return { ...shell, content: textIn(pieces) || emptyText }
  const content = pieces.flatMap((piece) => blockIn('openai', piece) ?? parted(piece))
  return { ...shell, content: content.length > 0 ? content : emptyText }
}

function parted(piece: Piece): readonly Shape[] {
  if (piece.kind === 'text' || piece.kind === 'refusal') return [{ type: 'text', text: piece.text }]
  return piece.kind === 'file' ? [filePart(piece)] : []
}

function filePart(file: FilePiece): Shape {
  const { base64, mediaType, name } = file
  const url = addressOf(file)
  if (isImage(file) && url !== undefined) return { type: 'image_url', image_url: { url } }
  const format = /^audio\/(?:x-)?(wav|mp3|mpeg)$/.exec(mediaType)?.[1]
  if (base64 !== undefined && format !== undefined)
    return {
      type: 'input_audio',
      input_audio: { data: base64, format: format === 'wav' ? 'wav' : 'mp3' },
    }
  if (base64 === undefined || url === undefined) return { type: 'text', text: fileMark(file) }
  return { type: 'file', file: { filename: name ?? 'file', file_data: url } }
}

/** Messages that came as OpenAI's stay apart; what came otherwise is one message. */
function stepMessages({ lines, results }: Step): Shape[] {
  const answers = new Map(results.map((result, at) => [result.id, { result, at }]))
  const runs: Line[][] = []
  for (const line of lines) {
    const run = runs.at(-1)
    const native = line.source.format === 'openai'
    if (run && !native && run[0]?.source.format !== 'openai') run.push(line)
    else runs.push([line])
  }
  return runs.flatMap((run) => {
    const message = spoken(run)
    const calls = run.flatMap(callsIn)
    const given = calls.flatMap(({ id }) => answers.get(id) ?? []).sort((a, b) => a.at - b.at)
    return [...(message ? [message] : []), ...given.map(({ result }) => answer(result))]
  })
}

function callsIn({ pieces }: Pick<Line, 'pieces'>): Call[] {
  return pieces.filter((piece) => piece.kind === 'call' && !piece.bound) as Call[]
}

function spoken(run: readonly Line[]): Shape | undefined {
  const [first] = run
  if (first?.source.format === 'openai')
    return first.changed ? rebuilt(first) : first.source.message
  const pieces = run.flatMap((line) => line.pieces)
  const text = textIn(pieces.filter(({ kind }) => kind === 'text'))
  const refusal = textIn(pieces.filter(({ kind }) => kind === 'refusal'))
  return assistant({ role: 'assistant' }, text, callsIn({ pieces }), refusal)
}

function rebuilt({ source, pieces }: Line): Shape | undefined {
  const shell = without(source.message, 'content', 'tool_calls')
  const { content } = source.message
  if (typeof content === 'string') return assistant(shell, content, callsIn({ pieces }), '')
  const blocks = pieces.flatMap((piece) => {
    if (piece.kind !== 'text' && piece.kind !== 'refusal' && piece.kind !== 'other') return []
    return piece.of && piece.of.block !== source.message ? [piece.of.block] : []
  })
  return assistant(shell, blocks.length > 0 ? blocks : '', callsIn({ pieces }), '')
}

function assistant(
  shell: Shape,
  content: string | readonly Shape[],
  calls: readonly Call[],
  refusal: string,
): Shape | undefined {
  const own = ['refusal', 'audio', 'function_call'].some((name) => shell[name] != null)
  if (content === '' && calls.length === 0 && refusal === '' && !own) return undefined
  return {
    ...shell,
    content: content === '' ? null : content,
    ...(refusal === '' ? {} : { refusal }),
    ...(calls.length === 0 ? {} : { tool_calls: calls.map(called) }),
  }
}

function called(call: Call): Shape {
  const block = blockIn('openai', call)
  if (block) return block['id'] === call.id ? block : { ...block, id: call.id }
  const { id, name, input } = call
  return { id, type: 'function', function: { name, arguments: written(input ?? {}) } }
}

function answer(result: Result): Shape {
  const block = blockIn('openai', result)
  if (!block) return { role: 'tool', tool_call_id: result.id, content: result.text }
  const { content } = block
  const fits = typeof content === 'string' || (Array.isArray(content) && content.length > 0)
  if (fits && block['tool_call_id'] === result.id) return block
  return { ...block, content: fits ? content : result.text, tool_call_id: result.id }
}

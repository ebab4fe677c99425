import { fileAt } from './files.ts'
import type { Line, Origin, Piece, Result, Source, Speaker } from './neutral.ts'
import { asText, isShape, type Shape, shapesOf, someText, written } from './shape.ts'

/** What a UI message of the AI SDK says: each of its steps, and the results of the tools it called. */
export function uiLines(source: Source): readonly Line[] {
  const role = source.message['role'] as Speaker
  const parts = shapesOf(source.message['parts'])
  if (role !== 'assistant')
    return [{ role, source, pieces: parts.flatMap(partPieces), changed: false }]
  return steps(parts).flatMap((step) => {
    const pieces = step.flatMap(partPieces)
    const line: Line = { role, source, pieces, changed: false }
    const results = step.flatMap(resultOf)
    return results.length === 0 ? [line] : [line, { ...line, role: 'tool', pieces: results }]
  })
}

/** The parts between the marks where a step begins. */
function steps(parts: readonly Shape[]): readonly (readonly Shape[])[] {
  const found: Shape[][] = [[]]
  for (const part of parts) {
    if (part['type'] === 'step-start') found.push([])
    else found.at(-1)?.push(part)
  }
  return found.filter(({ length }) => length > 0)
}

/** Name of the tool of a tool part; `undefined` for other parts. */
export function toolOf({ type, toolName }: Shape): string | undefined {
  if (type === 'dynamic-tool') return someText(toolName)
  return typeof type === 'string' && type.startsWith('tool-') ? type.slice(5) : undefined
}

function partPieces(block: Shape): readonly Piece[] {
  const of: Origin = { format: 'ai-sdk', block }
  const name = toolOf(block)
  if (name !== undefined) {
    const id = someText(block['toolCallId'])
    const input = block['input'] ?? block['rawInput']
    return id === undefined ? [] : [{ kind: 'call', id, name, input, of }]
  }
  switch (block['type']) {
    case 'text': {
      const text = someText(block['text'])
      return text === undefined ? [] : [{ kind: 'text', text, of }]
    }
    case 'reasoning':
      return [reasoning(block, of)]
    case 'file': {
      const url = someText(block['url'])
      const mediaType = someText(block['mediaType']) ?? 'application/octet-stream'
      return url === undefined ? [] : [fileAt(url, { mediaType, name: block['filename'], of })]
    }
    default:
      return typeof block['type'] === 'string' ? [{ kind: 'other', name: block['type'], of }] : []
  }
}

/** Providers' own marks of reasoning travel as metadata. */
function reasoning(block: Shape, of: Origin): Piece {
  const metadata = isShape(block['providerMetadata']) ? block['providerMetadata'] : {}
  const anthropic = isShape(metadata['anthropic']) ? metadata['anthropic'] : {}
  const openai = isShape(metadata['openai']) ? metadata['openai'] : {}
  return {
    kind: 'reasoning',
    text: asText(block['text']) ?? '',
    signature: someText(anthropic['signature']),
    redacted: someText(anthropic['redactedData']),
    item: someText(openai['itemId']),
    encrypted: someText(openai['reasoningEncryptedContent']),
    of,
  }
}

function resultOf(block: Shape): readonly Result[] {
  const id = someText(block['toolCallId'])
  if (toolOf(block) === undefined || id === undefined) return []
  const of: Origin = { format: 'ai-sdk', block }
  switch (block['state']) {
    case 'output-available':
      return [{ kind: 'result', id, text: written(block['output']), error: false, of }]
    case 'output-error':
      return [{ kind: 'result', id, text: written(block['errorText']), error: true, of }]
    case 'output-denied':
      return [{ kind: 'result', id, text: denial(block), error: true, of }]
    default:
      return []
  }
}

function denial({ approval }: Shape): string {
  const reason = isShape(approval) ? someText(approval['reason']) : undefined
  return reason ?? 'The user has denied the call.'
}

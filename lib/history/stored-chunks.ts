import type { StoredMessage } from './message.ts'
import type { Chunk } from './stream/chunk.ts'

interface Part {
  readonly type?: unknown
  readonly text?: unknown
  readonly content?: unknown
}

/** A stored answer as the pieces of one, for a client that was not there when it was given. */
export function* storedChunks(messages: readonly StoredMessage[]): Generator<Chunk> {
  let count = 0
  for (const message of messages) {
    if (message.role !== 'assistant') continue
    for (const part of partsOf(message.content)) {
      count += 1
      yield* chunksOf(part, String(count))
    }
  }
}

function partsOf(content: unknown): readonly Part[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }]
  if (!Array.isArray(content)) return []
  // An item of OpenAI's Responses has parts of its own.
  return content.flatMap((part: Part) => (part.type === 'message' ? partsOf(part.content) : [part]))
}

function chunksOf(part: Part, id: string): readonly Chunk[] {
  const { type, text } = part
  if (typeof text === 'string' && text !== '') {
    const kind = type === 'reasoning' ? 'reasoning' : 'text'
    return [
      { type: `${kind}-start`, id },
      { type: `${kind}-delta`, id, delta: text },
      { type: `${kind}-end`, id },
    ] as Chunk[]
  }
  if (typeof type !== 'string') return []
  if (/^(tool-.+|dynamic-tool)$/.test(type)) return toolChunks(part as ToolPart)
  if (/^(file|source-url|source-document|data-.+)$/.test(type)) return [part as Chunk]
  return []
}

interface ToolPart extends Part {
  readonly type: string
  readonly toolCallId: string
  readonly toolName?: string
  readonly state?: string
  readonly input?: unknown
  readonly output?: unknown
  readonly errorText?: string
}

function toolChunks({ type, toolCallId, toolName, state, ...part }: ToolPart): readonly Chunk[] {
  const dynamic = type === 'dynamic-tool' ? { dynamic: true } : {}
  const name = toolName ?? type.slice('tool-'.length)
  const { input, output, errorText = '' } = part
  const call = {
    type: 'tool-input-available',
    toolCallId,
    toolName: name,
    input,
    ...dynamic,
  } as const
  if (state === 'output-available')
    return [call, { type: 'tool-output-available', toolCallId, output, ...dynamic }]
  if (state === 'output-error')
    return [call, { type: 'tool-output-error', toolCallId, errorText, ...dynamic }]
  return [call]
}

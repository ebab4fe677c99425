import type { Chunk, FlowChunk, TextChunk, ThingChunk, ToolChunk } from './chunk.ts'
import { combined } from './shape.ts'
import { callTool, hearOfTool, settledTool, type ToolPart, toolPart } from './tool-part.ts'

/** An answer put together from its chunks: text, or parts as in the AI SDK's `UIMessage`. */
export type UiAnswer = TextAnswer | PartsAnswer

/** An answer that is nothing but one text. */
interface TextAnswer {
  readonly role: 'assistant'
  readonly content: string
}

/** An answer in the form of the AI SDK's `UIMessage`, without an id. */
interface PartsAnswer {
  readonly role: 'assistant'
  readonly parts: readonly UiPart[]
  readonly metadata?: unknown
}

/** One part of a `UIMessage`. */
interface UiPart {
  readonly type: string
  readonly [field: string]: unknown
}

/** Puts an answer together while its chunks come. */
export interface Folder {
  push(chunk: Chunk): void
  /** The answer so far, each part in a final state. `undefined` where nothing was said. */
  answer(): PartsAnswer | undefined
}

/**
 * Puts chunks together that may end anywhere. Each part is in a final state: a tool call without
 * its outcome has failed as interrupted, unless the answer is finished and leaves the call to the
 * client. `undefined` where nothing was said.
 */
export function fold(chunks: Iterable<Chunk>): UiAnswer | undefined {
  const whole = folder()
  for (const chunk of chunks) whole.push(chunk)
  const answer = whole.answer()
  return answer && (onlyText(answer) ?? answer)
}

function onlyText({ parts, metadata }: PartsAnswer): TextAnswer | undefined {
  const said = parts.filter(({ type }) => type !== 'step-start')
  const [text] = said
  if (said.length !== 1 || text?.type !== 'text' || metadata !== undefined) return undefined
  if (text['providerMetadata'] !== undefined) return undefined
  return { role: 'assistant', content: String(text['text']) }
}

interface Stretch {
  readonly kind: 'text' | 'reasoning'
  readonly id: string
  text: string
  providerMetadata: unknown
}

interface Thing {
  readonly kind: 'thing'
  part: UiPart
}

type Part = Stretch | ToolPart | Thing

/** Makes a folder without any chunk. */
export function folder(): Folder {
  const parts: Part[] = []
  const open = new Map<string, Stretch>()
  let metadata: unknown
  let finished = false

  function flow(chunk: FlowChunk): void {
    if (chunk.type === 'start-step') parts.push({ kind: 'thing', part: { type: 'step-start' } })
    if (chunk.type === 'finish-step') open.clear()
    if (chunk.type === 'finish') finished = true
    if ('messageMetadata' in chunk && chunk.messageMetadata !== null)
      metadata = combined(metadata, chunk.messageMetadata, (_, now) => now)
  }

  return {
    push(chunk) {
      if (isTextChunk(chunk)) speak(parts, open, chunk)
      else if (isToolChunk(chunk)) use(parts, chunk)
      else if (isThingChunk(chunk)) show(parts, chunk)
      else flow(chunk)
    },
    answer() {
      const settled = parts.flatMap((part) => settle(part, finished))
      if (settled.every(({ type }) => type === 'step-start')) return undefined
      return { role: 'assistant', parts: settled, ...(metadata !== undefined && { metadata }) }
    },
  }
}

function speak(parts: Part[], open: Map<string, Stretch>, chunk: TextChunk): void {
  const kind = chunk.type.startsWith('text') ? 'text' : 'reasoning'
  const key = `${kind}:${chunk.id}`
  // Where kept chunks begin in the middle, a stretch begins with what is there.
  let stretch = chunk.type.endsWith('-start') ? undefined : open.get(key)
  if (stretch === undefined) {
    stretch = { kind, id: chunk.id, text: '', providerMetadata: undefined }
    parts.push(stretch)
    open.set(key, stretch)
  }
  if ('delta' in chunk) stretch.text += chunk.delta
  stretch.providerMetadata = chunk.providerMetadata ?? stretch.providerMetadata
  if (chunk.type.endsWith('-end')) open.delete(key)
}

function use(parts: Part[], chunk: ToolChunk): void {
  const known = toolOf(parts, chunk)
  if ('toolName' in chunk) {
    const part = known ?? toolPart(chunk)
    if (known === undefined) parts.push(part)
    callTool(part, chunk)
  } else if (known !== undefined) hearOfTool(known, chunk)
}

function show(parts: Part[], chunk: ThingChunk): void {
  if ('transient' in chunk && chunk.transient) return
  const { id } = chunk as { id?: string }
  const same = id === undefined ? undefined : parts.find((part) => isThing(part, chunk.type, id))
  if (same?.kind === 'thing') same.part = { ...same.part, ...chunk }
  else parts.push({ kind: 'thing', part: { ...chunk } })
}

function settle(part: Part, finished: boolean): UiPart[] {
  if (part.kind === 'thing') return [defined(part.part)]
  if (part.kind === 'tool') return [defined(settledTool(part, finished) as UiPart)]
  const { kind, id, text, providerMetadata } = part
  // An empty stretch says nothing, but may carry what the provider wants to have back.
  if (text === '' && providerMetadata === undefined) return []
  const named = kind === 'reasoning' ? { id } : {}
  return [defined({ type: kind, ...named, text, providerMetadata, state: 'done' })]
}

function defined(part: UiPart): UiPart {
  return Object.fromEntries(
    Object.entries(part).filter(([, value]) => value !== undefined),
  ) as unknown as UiPart
}

/** The call in the current step; what comes of a call may come in a later one. */
function toolOf(parts: readonly Part[], chunk: ToolChunk): ToolPart | undefined {
  return parts.findLast((part, at): part is ToolPart => {
    if (part.kind !== 'tool' || part.toolCallId !== chunk.toolCallId) return false
    return !('toolName' in chunk) || !parts.slice(at).some(isStep)
  })
}

function isStep(part: Part): boolean {
  return part.kind === 'thing' && part.part.type === 'step-start'
}

function isThing(part: Part, type: string, id: string): part is Thing {
  return part.kind === 'thing' && part.part.type === type && part.part['id'] === id
}

function isTextChunk(chunk: Chunk): chunk is TextChunk {
  return /^(text|reasoning)-/.test(chunk.type)
}

function isToolChunk(chunk: Chunk): chunk is ToolChunk {
  return chunk.type.startsWith('tool-')
}

function isThingChunk(chunk: Chunk): chunk is ThingChunk {
  return /^(source-|data-|file$)/.test(chunk.type)
}

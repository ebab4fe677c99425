import type { ToolChunk } from './chunk.ts'
import { parsed } from './shape.ts'

/** A call of a tool while an answer is put together. */
export interface ToolPart {
  readonly kind: 'tool'
  readonly toolCallId: string
  /** Field by field as in the `UIMessage`; `undefined` ones are left out in the end. */
  fields: Record<string, unknown>
  toolName: string
  dynamic: boolean
  state: string
  /** The input so far, where it comes in pieces. */
  raw: string
}

type Named = Extract<ToolChunk, { toolName: string }>
type Answered = Extract<ToolChunk, { type: 'tool-output-available' | 'tool-output-error' }>

/** A call that has just been heard of. */
export function toolPart(chunk: Named): ToolPart {
  const { toolCallId, toolName } = chunk
  const dynamic = chunk.dynamic === true
  return { kind: 'tool', toolCallId, toolName, dynamic, fields: {}, state: '', raw: '' }
}

/** Notes what is said about the call itself. */
export function callTool(part: ToolPart, chunk: Named): void {
  part.toolName = chunk.toolName
  setExtras(part, chunk, 'callProviderMetadata')
  // A call that is made again has neither been allowed nor come to anything.
  for (const field of ['approval', 'resultProviderMetadata', 'rawInput']) delete part.fields[field]
  if (chunk.title !== undefined) part.fields['title'] = chunk.title
  delete part.fields['inputEncoding']
  if (chunk.type === 'tool-input-start') {
    part.state = 'input-streaming'
    part.raw = ''
    part.fields['inputEncoding'] = chunk.inputEncoding
  } else if (chunk.type === 'tool-input-available') {
    part.state = 'input-available'
    part.fields['input'] = chunk.input
  } else {
    part.state = 'output-error'
    delete part.fields['input']
    part.fields[part.dynamic ? 'input' : 'rawInput'] = chunk.input
    part.fields['errorText'] = chunk.errorText
    if (chunk.providerMetadata) part.fields['resultProviderMetadata'] = chunk.providerMetadata
  }
}

/** Notes what is said about a call that is known. */
export function hearOfTool(part: ToolPart, chunk: Exclude<ToolChunk, Named>): void {
  if (chunk.type === 'tool-input-delta') part.raw += chunk.inputTextDelta
  else if (chunk.type === 'tool-approval-request') askTool(part, chunk)
  else if (chunk.type === 'tool-output-denied') denyTool(part)
  else answerTool(part, chunk)
}

function answerTool(part: ToolPart, chunk: Answered): void {
  setExtras(part, chunk, 'resultProviderMetadata')
  delete part.fields['preliminary']
  delete part.fields['output']
  delete part.fields['errorText']
  approve(part)
  if (chunk.type === 'tool-output-available') {
    part.state = 'output-available'
    part.fields['output'] = chunk.output
    part.fields['preliminary'] = chunk.preliminary
  } else {
    part.state = 'output-error'
    part.fields['errorText'] = chunk.errorText
  }
}

function askTool(
  part: ToolPart,
  chunk: Extract<ToolChunk, { type: 'tool-approval-request' }>,
): void {
  part.state = 'approval-requested'
  part.fields['approval'] = {
    id: chunk.approvalId,
    ...(chunk.approvalDescriptor === undefined ? {} : { descriptor: chunk.approvalDescriptor }),
    ...(chunk.inputSchemaInput === undefined ? {} : { inputSchemaInput: chunk.inputSchemaInput }),
    ...(chunk.signature === undefined ? {} : { signature: chunk.signature }),
  }
}

function denyTool(part: ToolPart): void {
  const { approval } = part.fields
  part.state = 'output-denied'
  part.fields['approval'] = { id: part.toolCallId, ...(approval ?? {}), approved: false }
}

/** The part in a state it can stay in; `finished` leaves a call that is whole to the client. */
export function settledTool(part: ToolPart, finished: boolean): Record<string, unknown> {
  const { toolCallId, toolName, dynamic, fields } = part
  const head = dynamic ? { type: 'dynamic-tool', toolName } : { type: `tool-${toolName}` }
  const left = part.state === 'input-available' || part.state === 'approval-requested'
  const open = part.state === 'input-streaming' || (left && !finished)
  const state = open ? 'output-error' : part.state
  const own = new Map<string, unknown>([...pick(fields, always), ...pick(fields, ofState[state])])
  if (open) own.set('errorText', 'interrupted')
  if (open) own.delete('approval')
  if (part.state === 'input-streaming') own.set('input', heardInput(part))
  // A call whose outcome is known has an input, even where its own was lost on the way.
  if (!own.has('input') && !own.has('rawInput')) own.set('input', {})
  return { ...head, toolCallId, state, ...Object.fromEntries(own) }
}

const always = ['title', 'toolMetadata', 'providerExecuted', 'callProviderMetadata', 'input']

/** What a part may carry in a state besides: with anything else the AI SDK refuses the message. */
const ofState: Readonly<Record<string, readonly string[]>> = {
  'approval-requested': ['approval'],
  'output-available': ['output', 'preliminary', 'resultProviderMetadata', 'approval'],
  'output-error': ['rawInput', 'errorText', 'resultProviderMetadata', 'approval'],
  'output-denied': ['approval'],
}

function pick(
  fields: Readonly<Record<string, unknown>>,
  names: readonly string[] = [],
): [string, unknown][] {
  return Object.entries(fields).filter(([field]) => names.includes(field))
}

/** An input that broke off is none: a model would be shown half an object. */
function heardInput({ raw, fields }: ToolPart): unknown {
  return fields['inputEncoding'] === 'text' ? raw : (parsed(raw) ?? {})
}

function approve(part: ToolPart): void {
  const { approval } = part.fields
  if (approval) part.fields['approval'] = { ...approval, approved: true }
}

function setExtras(part: ToolPart, chunk: Named | Answered, metadata: string): void {
  const { providerExecuted, toolMetadata, providerMetadata } = chunk
  if (providerExecuted !== undefined) part.fields['providerExecuted'] = providerExecuted
  if (toolMetadata !== undefined) part.fields['toolMetadata'] = toolMetadata
  if (providerMetadata !== undefined && chunk.type !== 'tool-input-error')
    part.fields[metadata] = providerMetadata
}

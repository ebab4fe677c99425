import { plain } from './shape.ts'

/** Extras of a model provider, by its name. */
type ProviderExtras = Readonly<Record<string, unknown>>

interface Extra {
  readonly providerMetadata?: ProviderExtras
}

interface Tool extends Extra {
  readonly toolCallId: string
  readonly toolMetadata?: Readonly<Record<string, unknown>>
  readonly providerExecuted?: boolean
  readonly dynamic?: boolean
}

interface NamedTool extends Tool {
  readonly toolName: string
  readonly title?: string
}

/** A stretch of text or of reasoning begins, grows, ends: all three carry the same id. */
export type TextChunk =
  | ({ readonly type: 'text-start' | 'text-end'; readonly id: string } & Extra)
  | ({ readonly type: 'reasoning-start' | 'reasoning-end'; readonly id: string } & Extra)
  | ({ readonly type: 'text-delta'; readonly id: string; readonly delta: string } & Extra)
  | ({ readonly type: 'reasoning-delta'; readonly id: string; readonly delta: string } & Extra)

/** A tool is called, and what came of it. */
export type ToolChunk =
  | ({ readonly type: 'tool-input-start'; readonly inputEncoding?: 'json' | 'text' } & NamedTool)
  | {
      readonly type: 'tool-input-delta'
      readonly toolCallId: string
      readonly inputTextDelta: string
    }
  | ({ readonly type: 'tool-input-available'; readonly input: unknown } & NamedTool)
  | ({
      readonly type: 'tool-input-error'
      readonly input: unknown
      readonly errorText: string
    } & NamedTool)
  | {
      readonly type: 'tool-approval-request'
      readonly approvalId: string
      readonly toolCallId: string
      readonly approvalDescriptor?: unknown
      readonly inputSchemaInput?: unknown
      readonly signature?: string
    }
  | ({
      readonly type: 'tool-output-available'
      readonly output: unknown
      readonly preliminary?: boolean
    } & Tool)
  | ({ readonly type: 'tool-output-error'; readonly errorText: string } & Tool)
  | { readonly type: 'tool-output-denied'; readonly toolCallId: string }

/** Something an answer shows or refers to. */
export type ThingChunk =
  | ({
      readonly type: 'source-url'
      readonly sourceId: string
      readonly url: string
      readonly title?: string
    } & Extra)
  | ({
      readonly type: 'source-document'
      readonly sourceId: string
      readonly mediaType: string
      readonly title: string
      readonly filename?: string
    } & Extra)
  | ({ readonly type: 'file'; readonly url: string; readonly mediaType: string } & Extra)
  | {
      readonly type: `data-${string}`
      readonly id?: string
      readonly data: unknown
      readonly transient?: boolean
    }

/** Why a model stopped speaking. */
export type FinishReason = 'stop' | 'length' | 'content-filter' | 'tool-calls' | 'error' | 'other'

/** How an answer goes on or ends. */
export type FlowChunk =
  | { readonly type: 'start'; readonly messageId?: string; readonly messageMetadata?: unknown }
  | { readonly type: 'start-step' | 'finish-step' }
  | { readonly type: 'message-metadata'; readonly messageMetadata: unknown }
  | {
      readonly type: 'finish'
      readonly finishReason?: FinishReason
      readonly messageMetadata?: unknown
    }
  | { readonly type: 'abort'; readonly reason?: string }
  | { readonly type: 'error'; readonly errorText: string }

/**
 * One piece of an answer, whatever provider it comes from: a chunk of the AI SDK's UI message
 * stream, protocol version 1.
 */
export type Chunk = TextChunk | ToolChunk | ThingChunk | FlowChunk

const longestName = 1000
const longestText = 16 * 1024 * 1024
const deepest = 200

type Check = (value: unknown) => boolean
type Checks = Readonly<Record<string, Check>>

/**
 * Whether a value is a chunk: each field of its type is there in the right form, ids and names have
 * at most 1000 characters and texts 16 Mi, and everything else has a JSON form.
 */
export function isChunk(value: unknown): value is Chunk {
  if (!fields(value)) return false
  const chunk = value as Readonly<Record<string, unknown>>
  return fits(chunk, formOf(chunk['type'])) && isPlain(value, deepest)
}

/** The chunk a value is, without fields its type does not have; `undefined` where it is none. */
export function chunkOf(value: Readonly<Record<string, unknown>>): Chunk | undefined {
  const form = formOf(value['type'])
  if (form === undefined) return undefined
  const chunk: Record<string, unknown> = { type: value['type'] }
  for (const [field] of form) {
    const held = value[field]
    if (held === undefined) continue
    chunk[field] = typeof held === 'string' || typeof held === 'boolean' ? held : plain(held)
  }
  return fits(chunk, form) ? (chunk as unknown as Chunk) : undefined
}

function fits(chunk: Readonly<Record<string, unknown>>, form: Form | undefined): boolean {
  return form?.every(([field, check]) => check(chunk[field])) ?? false
}

/** The fields a type has besides `type`; the check of one that may be missing allows that. */
type Form = readonly (readonly [field: string, check: Check])[]

function formOf(type: unknown): Form | undefined {
  if (typeof type !== 'string') return undefined
  return dataType.test(type) ? dataForm : forms.get(type)
}

// The type is also the name of an event, and of a part.
const dataType = /^data-[A-Za-z0-9_.:-]{1,100}$/

const name: Check = (value) => typeof value === 'string' && value.length <= longestName
const text: Check = (value) => typeof value === 'string' && value.length <= longestText
const flag: Check = (value) => typeof value === 'boolean'
const there: Check = (value) => value !== undefined
const fields: Check = (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const extras: Check = (value) => fields(value) && Object.values(value as object).every(fields)
const oneOf = (...words: readonly string[]): Check => {
  return (value) => typeof value === 'string' && words.includes(value)
}

/** Where they are there, a client refuses a chunk in which they have another form. */
const optional: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['id', name],
  ['providerMetadata', extras],
  ['toolMetadata', fields],
  ['providerExecuted', flag],
  ['dynamic', flag],
  ['preliminary', flag],
  ['transient', flag],
  ['title', text],
  ['filename', text],
  ['inputEncoding', oneOf('json', 'text')],
  ['signature', text],
  ['messageId', name],
  ['finishReason', oneOf('stop', 'length', 'content-filter', 'tool-calls', 'error', 'other')],
  ['reason', text],
])

const stretch = { id: name }
const tool = { toolCallId: name }
const namedTool = { ...tool, toolName: name }
const dataForm = form({ data: there }, 'id', 'transient')

const toolFields = ['providerExecuted', 'providerMetadata', 'toolMetadata', 'dynamic']
const callFields = [...toolFields, 'title']

const forms: ReadonlyMap<string, Form> = new Map(
  Object.entries({
    'text-start': form(stretch, 'providerMetadata'),
    'text-delta': form({ ...stretch, delta: text }, 'providerMetadata'),
    'text-end': form(stretch, 'providerMetadata'),
    'reasoning-start': form(stretch, 'providerMetadata'),
    'reasoning-delta': form({ ...stretch, delta: text }, 'providerMetadata'),
    'reasoning-end': form(stretch, 'providerMetadata'),
    'tool-input-start': form(namedTool, 'inputEncoding', ...callFields),
    'tool-input-delta': form({ ...tool, inputTextDelta: text }),
    'tool-input-available': form({ ...namedTool, input: there }, ...callFields),
    'tool-input-error': form({ ...namedTool, errorText: text }, 'input', ...callFields),
    'tool-approval-request': form(
      { ...tool, approvalId: name },
      'approvalDescriptor',
      'inputSchemaInput',
      'signature',
    ),
    'tool-output-available': form({ ...tool, output: there }, 'preliminary', ...toolFields),
    'tool-output-error': form({ ...tool, errorText: text }, ...toolFields),
    'tool-output-denied': form(tool),
    'source-url': form({ sourceId: name, url: text }, 'title', 'providerMetadata'),
    'source-document': form(
      { sourceId: name, mediaType: name, title: text },
      'filename',
      'providerMetadata',
    ),
    file: form({ url: text, mediaType: name }, 'providerMetadata'),
    start: form({}, 'messageId', 'messageMetadata'),
    'start-step': form({}),
    'finish-step': form({}),
    'message-metadata': form({ messageMetadata: there }),
    finish: form({}, 'finishReason', 'messageMetadata'),
    abort: form({}, 'reason'),
    error: form({ errorText: text }),
  }),
)

function form(needed: Checks, ...may: string[]): Form {
  const open = may.map((field) => {
    const check = optional.get(field)
    return [field, (value: unknown) => value === undefined || (check?.(value) ?? true)] as const
  })
  return [...Object.entries(needed), ...open]
}

function isPlain(value: unknown, depth: number): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null)
    return typeof value !== 'bigint' && typeof value !== 'function' && typeof value !== 'symbol'
  if (depth === 0) return false
  if (Array.isArray(value)) return value.every((item) => isPlain(item, depth - 1))
  const proto: unknown = Object.getPrototypeOf(value)
  if (proto !== Object.prototype && proto !== null) return false
  return Object.values(value).every((item) => isPlain(item, depth - 1))
}

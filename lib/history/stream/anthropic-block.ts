import type { Outlet } from './outlet.ts'
import { fieldsOf, listIn, parsed, plain, textIn } from './shape.ts'

/** A block of a message's content while it comes. */
export interface Block {
  readonly key: string
  readonly type: unknown
  /** The id of the tool call it is, if it is one the application answers. */
  readonly call: string | undefined
  readonly fields: Map<string, unknown>
  /** The input of a tool so far, as JSON. */
  json: string
  stopped: boolean
}

/** A block begins; one that comes whole has its text already. */
export function startBlock(key: string, start: unknown, out: Outlet): Block {
  const fields = new Map(Object.entries(fieldsOf(plain(start))) as [string, unknown][])
  const [type, id, name] = [fields.get('type'), fields.get('id'), fields.get('name')]
  const call = type === 'tool_use' && typeof id === 'string' ? id : undefined
  const block: Block = { key, type, call, fields, json: '', stopped: false }
  if (call !== undefined) out.call(call, textIn(name))
  say(block, 'text', textIn(fields.get('text')), out)
  say(block, 'thinking', textIn(fields.get('thinking')), out)
  return block
}

/** A block grows. */
export function growBlock(block: Block, delta: unknown, out: Outlet): void {
  const { text, thinking, signature, partial_json, citation } = fieldsOf<
    'text' | 'thinking' | 'signature' | 'partial_json' | 'citation'
  >(delta)
  for (const [field, more] of Object.entries({ text, thinking })) {
    if (typeof more !== 'string') continue
    block.fields.set(field, textIn(block.fields.get(field)) + more)
    say(block, field, more, out)
  }
  if (typeof signature === 'string') block.fields.set('signature', signature)
  if (citation !== undefined) {
    block.fields.set('citations', [...listIn(block.fields.get('citations')), plain(citation)])
    cite(block, citation, out)
  }
  if (typeof partial_json === 'string') {
    block.json += partial_json
    if (block.call !== undefined) out.input(block.call, partial_json)
  }
}

/** Nothing more comes of a block. */
export function stopBlock(block: Block, out: Outlet): void {
  block.stopped = true
  out.close(block.key)
  // What came as a whole stands in the block already; an empty input comes as no piece at all.
  if (block.json !== '') block.fields.set('input', objectIn(block.json))
  if (block.call === undefined) return
  const input = block.json === '' ? JSON.stringify(block.fields.get('input') ?? {}) : block.json
  out.called(block.call, textIn(block.fields.get('name')), input)
}

/** Whether the block can stay although its message broke off. */
export function wholeBlock({ type, fields, stopped }: Block): boolean {
  if (type === 'text') return textIn(fields.get('text')).trim() !== ''
  // Thinking is signed at its end, and refused without.
  return stopped
}

/** The block as a message carries it. */
export function blockIn({ fields }: Block): Record<string, unknown> {
  return Object.fromEntries(fields)
}

function say({ key }: Block, field: string, delta: string, out: Outlet): void {
  out.grow(field === 'text' ? 'text' : 'reasoning', key, delta)
}

function cite({ key, fields }: Block, citation: unknown, out: Outlet): void {
  const { url, title } = fieldsOf<'url' | 'title'>(citation)
  if (typeof url !== 'string') return
  const sourceId = `${key}:${listIn(fields.get('citations')).length}`
  out.put({ type: 'source-url', sourceId, url, ...(typeof title === 'string' && { title }) })
}

/** An input the limit of tokens has cut is none; only an object is accepted when it comes back. */
function objectIn(json: string): object {
  const input = parsed(json)
  return typeof input === 'object' && input !== null ? input : {}
}

import type { Outlet } from './outlet.ts'
import { type Fields, fieldsOf, parsed, plain, textIn } from './shape.ts'

/** A tool call of a chat message while it comes. */
export interface ChatCall {
  readonly index: unknown
  /** Empty until it is known. */
  id: string
  type: string
  name: string
  input: string
  begun: boolean
  readonly rest: Map<string, unknown>
}

type Piece = Fields<'index' | 'id' | 'type' | 'function' | 'custom'>

/** Adds a piece of a tool call to the calls of its message. */
export function growCall(calls: ChatCall[], piece: unknown, out: Outlet): void {
  const { index, id, type, function: fn, custom, ...rest } = fieldsOf(piece) as Piece
  const said = fieldsOf<'name' | 'arguments' | 'input'>(fn ?? custom)
  const call = callOf(calls, index, textIn(id), textIn(said.name))
  call.id ||= textIn(id)
  call.name ||= textIn(said.name)
  if (typeof type === 'string') call.type = type
  else if (custom !== undefined) call.type = 'custom'
  for (const [field, value] of Object.entries(rest)) call.rest.set(field, plain(value))
  const delta = inputIn(said.arguments ?? said.input)
  call.input += delta
  tell(call, delta, out)
}

/** Says that calls are whole. One without an id gets one, so that its result finds it. */
export function callAll(calls: readonly ChatCall[], out: Outlet): void {
  for (const call of calls) {
    call.id ||= `call_${crypto.randomUUID()}`
    tell(call, '', out)
    out.called(call.id, call.name, call.input, encoding(call))
  }
}

/** The call as a chat message carries it. */
export function callIn({ id, type, name, input, rest }: ChatCall): Record<string, unknown> {
  const said =
    type === 'custom' ? { custom: { name, input } } : { function: { name, arguments: input } }
  return { ...Object.fromEntries(rest), id, type, ...said }
}

/** Whether the call can be answered although its message broke off. */
export function isWhole({ id, type, input }: ChatCall): boolean {
  return id !== '' && type !== 'custom' && parsed(input) !== undefined
}

function tell(call: ChatCall, delta: string, out: Outlet): void {
  if (call.begun) out.input(call.id, delta)
  if (call.begun || call.id === '' || call.name === '') return
  call.begun = true
  out.call(call.id, call.name, encoding(call))
  out.input(call.id, call.input)
}

function encoding({ type }: ChatCall): 'text' | undefined {
  return type === 'custom' ? 'text' : undefined
}

/**
 * The call a piece belongs to. Some providers give all calls the same index, or none: another id with
 * another name is another call.
 */
function callOf(calls: ChatCall[], index: unknown, id: string, name: string): ChatCall {
  const known = calls.findLast((call) => call.index === index)
  const other = known && id !== '' && name !== '' && known.id !== '' && known.id !== id
  if (known && !other) return known
  const call = {
    index,
    id: '',
    type: 'function',
    name: '',
    input: '',
    begun: false,
    rest: new Map(),
  }
  calls.push(call)
  return call
}

/** Arguments are a text; some servers that only resemble OpenAI's give them as an object. */
function inputIn(said: unknown): string {
  return typeof said === 'object' && said !== null ? JSON.stringify(said) : textIn(said)
}

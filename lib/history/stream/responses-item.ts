import type { AnyAnswer } from './form.ts'
import type { Outlet } from './outlet.ts'
import { fieldsOf, listIn, textIn } from './shape.ts'

/** An item of a response while it comes. */
export interface Item {
  readonly key: string
  readonly index: unknown
  readonly type: string
  readonly id: string
  /** The id of the tool call it is, if it is one the application answers. */
  readonly call: string | undefined
  /** Texts of a message or of reasoning, by their index. */
  readonly texts: Map<string, { readonly place: 'said' | 'refusal'; readonly text: string }>
  /** The item itself, once it is whole. */
  done: AnyAnswer | undefined
}

type Named = 'type' | 'id' | 'call_id' | 'name'

/** An item begins. Only what never changes is read: the SDK lets the item itself grow. */
export function openItem(key: string, index: unknown, added: unknown, out: Outlet): Item {
  const { type, id, call_id, name } = fieldsOf<Named>(added)
  const own = type === 'function_call' || type === 'custom_tool_call'
  const call = own && typeof call_id === 'string' ? call_id : undefined
  if (call !== undefined) out.call(call, textIn(name), encoding(textIn(type)))
  return { key, index, type: textIn(type), id: textIn(id), call, texts: new Map(), done: undefined }
}

/** An item is whole: what of it was not streamed is said now. */
export function closeItem(item: Item, done: AnyAnswer, out: Outlet): void {
  item.done = done
  if (item.texts.size === 0) sayWhole(item, done, out)
  for (const at of item.texts.keys()) out.close(`${item.key}:${at}`)
  const {
    name,
    arguments: args,
    input,
    status,
  } = fieldsOf<'name' | 'arguments' | 'input' | 'status'>(done)
  if (item.call !== undefined)
    out.called(item.call, textIn(name), textIn(args ?? input), encoding(item.type))
  else if (item.type.endsWith('_call')) hosted(item, textIn(status), out)
}

/** Items that can be handed back: reasoning only together with what it led to. */
export function wholeItems(items: readonly Item[]): readonly Item[] {
  const whole = items.filter((item) => item.done !== undefined || saidIn(item).length > 0)
  return whole.slice(0, whole.findLastIndex(({ type }) => type !== 'reasoning') + 1)
}

/** The item, or of a message that broke off what it had said. */
export function itemIn(item: Item): AnyAnswer {
  return (
    item.done ?? {
      type: 'message',
      id: item.id,
      role: 'assistant',
      status: 'incomplete',
      content: saidIn(item),
    }
  )
}

function saidIn({ type, texts }: Item): Record<string, unknown>[] {
  if (type !== 'message') return []
  return [...texts.values()].map(({ place, text }) =>
    place === 'refusal'
      ? { type: 'refusal', refusal: text }
      : { type: 'output_text', text, annotations: [] },
  )
}

function sayWhole(item: Item, done: AnyAnswer, out: Outlet): void {
  const kind = item.type === 'reasoning' ? 'reasoning' : 'text'
  if (kind === 'text' && item.type !== 'message') return
  for (const [at, part] of listIn(kind === 'text' ? done['content'] : done['summary']).entries()) {
    const { text, refusal } = fieldsOf<'text' | 'refusal'>(part)
    item.texts.set(`${at}`, { place: refusal === undefined ? 'said' : 'refusal', text: '' })
    out.grow(kind, `${item.key}:${at}`, textIn(text ?? refusal))
  }
}

/** A tool the provider runs itself: a client sees that it ran, its results stay with the item. */
function hosted({ id, type }: Item, status: string, out: Outlet): void {
  const call = { toolCallId: id, providerExecuted: true, dynamic: true }
  const toolName = type.slice(0, -'_call'.length)
  out.put({ type: 'tool-input-available', toolName, input: {}, ...call })
  out.put({ type: 'tool-output-available', output: { status }, ...call })
}

function encoding(type: string): 'text' | undefined {
  return type === 'custom_tool_call' ? 'text' : undefined
}

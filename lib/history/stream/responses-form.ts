import type { AnyAnswer, FormReader } from './form.ts'
import type { Outlet } from './outlet.ts'
import { closeItem, type Item, itemIn, openItem, wholeItems } from './responses-item.ts'
import { type Fields, fieldsOf, listIn, plain, textIn } from './shape.ts'
import { type Usage, usage } from './usage.ts'

type Event = Fields<
  | 'type'
  | 'object'
  | 'response'
  | 'item'
  | 'output_index'
  | 'content_index'
  | 'summary_index'
  | 'annotation'
  | 'annotation_index'
  | 'delta'
  | 'call_id'
  | 'output'
>

interface Said {
  readonly items: Item[]
  /** How many of them belong to responses before this one: each counts its own from 0. */
  before: number
  readonly used: Usage
}

/** Reads events of OpenAI's Responses, and responses that come whole. */
export function responsesForm(): FormReader {
  const said: Said = { items: [], before: 0, used: usage() }
  return {
    form: 'openai-responses',
    take(piece, out) {
      const event: Event = fieldsOf(piece)
      const read = events.get(event.object === 'response' ? 'response' : event.type)
      if (read) read(said, event, out)
      else if (!textIn(event.type).startsWith('response.')) return answered(said, event, out)
      return true
    },
    end() {},
    reply: () => wholeItems(said.items).map(itemIn),
    usage: said.used.total,
  }
}

type Read = (said: Said, event: Event, out: Outlet) => void

const events: ReadonlyMap<unknown, Read> = new Map<unknown, Read>([
  ['response', wholeResponse],
  ['response.created', created],
  ['response.output_item.added', added],
  ['response.output_item.done', done],
  ['response.output_text.delta', growText],
  ['response.refusal.delta', growText],
  ['response.reasoning_summary_text.delta', growReasoning],
  ['response.reasoning_text.delta', growReasoning],
  ['response.function_call_arguments.delta', growInput],
  ['response.custom_tool_call_input.delta', growInput],
  ['response.output_text.annotation.added', annotated],
  ['response.completed', completed],
  ['response.incomplete', completed],
])

function created(said: Said, _: Event, out: Outlet): void {
  if (said.items.length > said.before) out.step()
  said.before = said.items.length
  said.used.next()
}

function added({ items }: Said, { output_index, item }: Event, out: Outlet): Item {
  const opened = openItem(`${items.length}`, output_index, item, out)
  items.push(opened)
  return opened
}

function done(said: Said, event: Event, out: Outlet): void {
  const item = itemOf(said, event) ?? added(said, event, out)
  if (item.done === undefined) closeItem(item, plain(event.item) as AnyAnswer, out)
}

function itemOf({ items, before }: Said, { output_index }: Event): Item | undefined {
  return items.slice(before).find(({ index }) => index === output_index)
}

function growText(said: Said, event: Event, out: Outlet): void {
  const place = event.type === 'response.refusal.delta' ? 'refusal' : 'said'
  grow(said, event, { kind: 'text', place }, out)
}

function growReasoning(said: Said, event: Event, out: Outlet): void {
  grow(said, event, { kind: 'reasoning', place: 'said' }, out)
}

function grow(
  said: Said,
  event: Event,
  { kind, place }: { readonly kind: 'text' | 'reasoning'; readonly place: 'said' | 'refusal' },
  out: Outlet,
): void {
  const item = itemOf(said, event)
  if (item === undefined) return
  const at = `${event.summary_index ?? event.content_index ?? 0}`
  const delta = textIn(event.delta)
  item.texts.set(at, { place, text: (item.texts.get(at)?.text ?? '') + delta })
  out.grow(kind, `${item.key}:${at}`, delta)
}

function growInput(said: Said, event: Event, out: Outlet): void {
  const call = itemOf(said, event)?.call
  if (call !== undefined) out.input(call, textIn(event.delta))
}

function annotated(said: Said, event: Event, out: Outlet): void {
  const item = itemOf(said, event)
  if (item === undefined) return
  const sourceId = `${item.key}:${event.annotation_index ?? 0}`
  const { url, title, filename } = fieldsOf<'url' | 'title' | 'filename'>(event.annotation)
  if (typeof url === 'string')
    out.put({ type: 'source-url', sourceId, url, ...(typeof title === 'string' && { title }) })
  else if (typeof filename === 'string')
    out.put({ type: 'source-document', sourceId, mediaType: 'text/plain', title: filename })
}

function completed(said: Said, { response, type }: Event, out: Outlet): void {
  const { output, usage, incomplete_details } = fieldsOf<'output' | 'usage' | 'incomplete_details'>(
    response,
  )
  // Items that were not streamed one by one; of an incomplete response they may be incomplete too.
  const whole = type === 'response.completed' ? listIn(output) : []
  for (const [output_index, item] of whole.entries()) done(said, { output_index, item }, out)
  said.used.set(plain(usage))
  const { reason } = fieldsOf<'reason'>(incomplete_details)
  if (reason === 'max_output_tokens') out.finish('length')
  else if (reason === 'content_filter') out.finish('content-filter')
  else out.finish(calls(said) ? 'tool-calls' : 'stop')
}

function calls({ items, before }: Said): boolean {
  return items.slice(before).some(({ call }) => call !== undefined)
}

/** A response that was not streamed, told as if it had been. */
function wholeResponse(said: Said, event: Event, out: Outlet): void {
  created(said, event, out)
  completed(said, { type: 'response.completed', response: event }, out)
}

/** What an application answered to a call, put between the responses by an agent's loop. */
function answered({ items }: Said, event: Event, out: Outlet): boolean {
  const { type, call_id: toolCallId, output } = event
  if (typeof toolCallId !== 'string' || !outputs.has(type)) return false
  const known = items.some(({ call }) => call === toolCallId)
  items.push({
    ...openItem(`${items.length}`, undefined, event, out),
    done: plain(event) as AnyAnswer,
  })
  if (known) out.put({ type: 'tool-output-available', toolCallId, output: plain(output) })
  return true
}

const outputs: ReadonlySet<unknown> = new Set(['function_call_output', 'custom_tool_call_output'])

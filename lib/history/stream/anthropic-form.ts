import {
  type Block,
  blockIn,
  growBlock,
  startBlock,
  stopBlock,
  wholeBlock,
} from './anthropic-block.ts'
import type { FinishReason } from './chunk.ts'
import type { AnyAnswer, FormReader } from './form.ts'
import type { Outlet } from './outlet.ts'
import { type Fields, fieldsOf, listIn, plain } from './shape.ts'
import { type Usage, usage } from './usage.ts'

type Event = Fields<
  'type' | 'message' | 'index' | 'content_block' | 'delta' | 'usage' | 'role' | 'content'
>

interface Draft {
  readonly blocks: Map<unknown, Block>
  ended: boolean
}

interface Said {
  /** Beside the messages of the model, results of tools an agent's loop has put between them. */
  readonly messages: (Draft | AnyAnswer)[]
  readonly used: Usage
}

/** Reads events of Anthropic's message streams, and messages that come whole. */
export function anthropicForm(): FormReader {
  const said: Said = { messages: [], used: usage() }
  return {
    form: 'anthropic',
    take(piece, out) {
      const event: Event = fieldsOf(piece)
      const read = events.get(event.type)
      if (read === undefined) return results(said, event, out)
      read(said, event, out)
      return true
    },
    end() {},
    reply: () => said.messages.flatMap((one) => (isDraft(one) ? answerOf(one) : [one])),
    usage: said.used.total,
  }
}

type Read = (said: Said, event: Event, out: Outlet) => void

const events: ReadonlyMap<unknown, Read> = new Map<unknown, Read>([
  ['message_start', startMessage],
  ['content_block_start', startPart],
  ['content_block_delta', growPart],
  ['content_block_stop', stopPart],
  ['message_delta', changeMessage],
  ['message_stop', stopMessage],
  ['message', wholeMessage],
  ['ping', () => {}],
])

function startMessage(said: Said, { message }: Event, out: Outlet): void {
  begin(said, out)
  // Its content is left alone: the SDK puts blocks into it before this piece is read.
  said.used.set(plain(fieldsOf<'usage'>(message).usage))
}

function startPart(said: Said, { index, content_block }: Event, out: Outlet): void {
  const { blocks } = current(said, out)
  blocks.set(
    index,
    startBlock(
      `${said.messages.length}:${typeof index === 'number' ? index : blocks.size}`,
      content_block,
      out,
    ),
  )
}

function growPart(said: Said, { index, delta }: Event, out: Outlet): void {
  const block = current(said, out).blocks.get(index)
  if (block) growBlock(block, delta, out)
}

function stopPart(said: Said, { index }: Event, out: Outlet): void {
  const block = current(said, out).blocks.get(index)
  if (block) stopBlock(block, out)
}

function changeMessage({ used }: Said, event: Event, out: Outlet): void {
  const { stop_reason } = fieldsOf<'stop_reason'>(event.delta)
  if (typeof stop_reason === 'string') out.finish(reasons.get(stop_reason) ?? 'other')
  used.set(plain(event.usage))
}

function stopMessage(said: Said, _: Event, out: Outlet): void {
  current(said, out).ended = true
}

/** A message that was not streamed, told as if it had been. */
function wholeMessage(said: Said, event: Event, out: Outlet): void {
  startMessage(said, { message: event }, out)
  for (const [index, content_block] of listIn(event.content).entries()) {
    startPart(said, { index, content_block }, out)
    stopPart(said, { index }, out)
  }
  changeMessage(said, { delta: event }, out)
  stopMessage(said, event, out)
}

function results({ messages }: Said, { role, content }: Event, out: Outlet): boolean {
  const found = listIn(content).filter((part) => fieldsOf<'type'>(part).type === 'tool_result')
  if (role !== 'user' || found.length === 0) return false
  messages.push({ role: 'user', content: plain(content) })
  for (const part of found) tellResult(messages, part, out)
  return true
}

function tellResult(messages: Said['messages'], part: unknown, out: Outlet): void {
  const result = fieldsOf<'tool_use_id' | 'content' | 'is_error'>(part)
  const { tool_use_id: toolCallId } = result
  if (typeof toolCallId !== 'string' || !knows(messages, toolCallId)) return
  if (result.is_error === true)
    out.put({ type: 'tool-output-error', toolCallId, errorText: 'The tool failed' })
  else out.put({ type: 'tool-output-available', toolCallId, output: plain(result.content) })
}

function begin({ messages, used }: Said, out: Outlet): Draft {
  if (messages.length > 0) out.step()
  const draft: Draft = { blocks: new Map(), ended: false }
  messages.push(draft)
  used.next()
  return draft
}

function current(said: Said, out: Outlet): Draft {
  const last = said.messages.at(-1)
  return isDraft(last) && !last.ended ? last : begin(said, out)
}

function isDraft(one: Draft | AnyAnswer | undefined): one is Draft {
  return one !== undefined && 'blocks' in one && one['blocks'] instanceof Map
}

function knows(messages: Said['messages'], id: string): boolean {
  return messages.some(
    (one) => isDraft(one) && [...one.blocks.values()].some(({ call }) => call === id),
  )
}

function answerOf({ blocks, ended }: Draft): AnyAnswer[] {
  const content = [...blocks.values()].filter((block) => ended || wholeBlock(block)).map(blockIn)
  return content.length === 0 ? [] : [{ role: 'assistant', content }]
}

const reasons: ReadonlyMap<string, FinishReason> = new Map<string, FinishReason>([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['pause_turn', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool-calls'],
  ['refusal', 'content-filter'],
])

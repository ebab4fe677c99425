import { chatForm } from './chat-form.ts'
import type { FormReader } from './form.ts'
import type { Outlet } from './outlet.ts'
import { type Fields, fieldsOf, listIn, plain, textIn } from './shape.ts'
import { usage } from './usage.ts'

type Message = Fields<
  | 'content'
  | 'id'
  | 'tool_calls'
  | 'tool_call_chunks'
  | 'tool_call_id'
  | 'usage_metadata'
  | 'response_metadata'
  | 'additional_kwargs'
>

/** Reads messages of LangChain, as a model streams them, or a graph together with metadata. */
export function langchainForm(): FormReader {
  const chat = chatForm()
  const used = usage()
  let last: unknown

  function model(message: Message, out: Outlet): void {
    // Nothing but the id tells where the next message begins.
    if (last !== undefined && message.id !== last)
      say(chat, { delta: {}, finish_reason: 'stop' }, out)
    last = message.id
    const reasoning = reasoningIn(message)
    if (reasoning !== '') {
      out.close('text')
      out.grow('reasoning', 'reasoning', reasoning)
    }
    const delta = { content: saidIn(message.content), tool_calls: callsIn(message) }
    say(chat, { delta, finish_reason: reasonIn(message) }, out, message.id)
    used.add(plain(message.usage_metadata ?? null))
  }

  return {
    form: 'openai',
    take(piece, out) {
      const message = Array.isArray(piece) ? piece[0] : piece
      const kind = kindOf(message)
      if (kind === 'ai') model(fieldsOf(message), out)
      if (kind === 'tool') {
        const { tool_call_id, content } = fieldsOf<'tool_call_id' | 'content'>(message)
        say(chat, { delta: {}, finish_reason: 'stop' }, out, last)
        chat.take({ role: 'tool', tool_call_id, content }, out)
        last = undefined
      }
      return kind !== undefined
    },
    end: chat.end,
    reply: chat.reply,
    usage: used.total,
  }
}

function say(chat: FormReader, choice: object, out: Outlet, id?: unknown): void {
  chat.take({ id, choices: [choice] }, out)
}

function kindOf(message: unknown): unknown {
  const { getType, _getType } = fieldsOf<'getType' | '_getType'>(message)
  const ask = getType ?? _getType
  return typeof ask === 'function' ? ask.call(message) : undefined
}

function saidIn(content: unknown): string {
  return typeof content === 'string'
    ? content
    : listIn(content)
        .map((part) => textIn(fieldsOf<'text'>(part).text))
        .join('')
}

function reasoningIn({ content, additional_kwargs }: Message): string {
  const { reasoning_content } = fieldsOf<'reasoning_content'>(additional_kwargs)
  const parts = listIn(content).map((part) => fieldsOf<'reasoning' | 'thinking'>(part))
  return [
    textIn(reasoning_content),
    ...parts.map(({ reasoning, thinking }) => textIn(reasoning ?? thinking)),
  ].join('')
}

/** Pieces of tool calls; a message that was not streamed has whole ones. */
function callsIn({ tool_call_chunks, tool_calls }: Message): unknown[] {
  const pieces = listIn(tool_call_chunks)
  return (pieces.length > 0 ? pieces : listIn(tool_calls)).map((piece, at) => {
    const { index = at, id, name, args } = fieldsOf<'index' | 'id' | 'name' | 'args'>(piece)
    return { index, id, type: 'function', function: { name, arguments: args } }
  })
}

function reasonIn({ response_metadata, additional_kwargs }: Message): unknown {
  const metadata = { ...fieldsOf(additional_kwargs), ...fieldsOf(response_metadata) } as Fields<
    'finish_reason' | 'finishReason' | 'stop_reason' | 'stopReason'
  >
  const reason =
    metadata.finish_reason ?? metadata.finishReason ?? metadata.stop_reason ?? metadata.stopReason
  return typeof reason === 'string' ? (reasons.get(reason.toLowerCase()) ?? reason) : undefined
}

/** Words of Anthropic's and Google's models for those of OpenAI's. */
const reasons: ReadonlyMap<string, string> = new Map([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  ['tool_use', 'tool_calls'],
  ['refusal', 'content_filter'],
  ['safety', 'content_filter'],
])

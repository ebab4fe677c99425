import type { RequestListener } from 'node:http'
import { json } from 'node:stream/consumers'
import { listen } from '../support/apps.ts'
import { sseOf } from '../support/sse.ts'

/** What a model is asked: as OpenAI's chat has it, or Anthropic's messages. */
export interface Asked {
  readonly system?: string
  readonly messages: readonly { readonly role: string; readonly content: unknown }[]
  readonly stream?: boolean
  readonly stream_options?: { readonly include_usage?: boolean }
}

/** A server in the place of a model's provider. */
export interface ModelServer {
  readonly url: string
  /** All it was asked, oldest first. */
  readonly asked: Asked[]
  close(): Promise<void>
}

/** Serves `words` as the answer to whatever is asked, as OpenAI's chat or Anthropic would. */
export async function modelServer(words: (asked: Asked) => string): Promise<ModelServer> {
  const asked: Asked[] = []
  const answer: RequestListener = async (req, res) => {
    const body = (await json(req)) as Asked
    asked.push(body)
    const pieces = words(body).split(/(?<= )/)
    if (!body.stream) {
      const message = { role: 'assistant', content: pieces.join('') }
      res.setHeader('content-type', 'application/json')
      return void res.end(
        JSON.stringify({ choices: [{ index: 0, message, finish_reason: 'stop' }] }),
      )
    }
    const anthropic = req.url?.endsWith('/messages')
    res.setHeader('content-type', 'text/event-stream')
    if (anthropic) return void res.end(sseOf(anthropicPieces(pieces), 'named'))
    const usage = body.stream_options?.include_usage ? [openaiUsage(body, pieces)] : []
    res.end(sseOf([...openaiPieces(pieces), ...usage]))
  }
  const { url, close } = await listen(answer)
  return { url, asked, close }
}

/** The last chunk where usage is asked for: a token a message and a token a piece. */
function openaiUsage({ messages }: Asked, pieces: readonly string[]): object {
  const [prompt_tokens, completion_tokens] = [messages.length, pieces.length]
  const usage = {
    prompt_tokens,
    completion_tokens,
    total_tokens: prompt_tokens + completion_tokens,
  }
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [],
    usage,
  }
}

function openaiPieces(pieces: readonly string[]): readonly object[] {
  const chunk = (delta: object, finish_reason: string | null = null) => ({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [{ index: 0, delta, finish_reason, logprobs: null }],
  })
  return [
    chunk({ role: 'assistant', content: '' }),
    ...pieces.map((content) => chunk({ content })),
    chunk({}, 'stop'),
  ]
}

function anthropicPieces(pieces: readonly string[]): readonly object[] {
  const usage = { input_tokens: 1, output_tokens: 1 }
  const message = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'm',
    content: [],
    usage,
  }
  return [
    { type: 'message_start', message: { ...message, stop_reason: null, stop_sequence: null } },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    ...pieces.map((text) => ({
      type: 'content_block_delta',
      index: 0,
      delta: { type: 'text_delta', text },
    })),
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage },
    { type: 'message_stop' },
  ]
}

import express, { type Express, type Request, type Response } from 'express'
import type OpenAI from 'openai'
import { estimateTokenCount } from 'tokenx'
import type { Answerer } from '../koa-chat/answers.ts'
import { typed } from '../rag-chat/typing.ts'
import { textOf } from './asked.ts'

const model = 'offline'

/** Stands in for OpenAI's API: says what an answerer knows, a word every `paceMs`. */
export function offlineApi(answerer: Answerer, paceMs: number): Express {
  const app = express()
    .disable('x-powered-by')
    .use(express.json({ limit: '2mb' }))

  app.get('/v1/models', (_req, res) => {
    res.json({
      object: 'list',
      data: [{ id: model, object: 'model', created: 0, owned_by: 'you' }],
    })
  })

  app.post('/v1/chat/completions', async (req, res) => {
    const { messages, stream } = req.body as OpenAI.ChatCompletionCreateParams
    const content = await answerer([{ role: 'user', content: textOf(messages.slice(-1)) }])
    const usage = usageOf(textOf(messages), content)
    if (stream) return sendStream(req, res, { content, usage, paceMs })
    const message = { role: 'assistant', content, refusal: null } as const
    const choice = { index: 0, message, finish_reason: 'stop', logprobs: null } as const
    res.json({ ...head(), object: 'chat.completion', choices: [choice], usage })
  })
  return app
}

function usageOf(prompt: string, answer: string): OpenAI.CompletionUsage {
  const [asked, said] = [estimateTokenCount(prompt), estimateTokenCount(answer)]
  return { prompt_tokens: asked, completion_tokens: said, total_tokens: asked + said }
}

interface Answer {
  readonly content: string
  readonly usage: OpenAI.CompletionUsage
  readonly paceMs: number
}

async function sendStream(req: Request, res: Response, { content, usage, paceMs }: Answer) {
  const left = new AbortController()
  res.once('close', () => left.abort())
  res.type('text/event-stream')
  const own = { ...head(), object: 'chat.completion.chunk' }
  const send = (choices: readonly object[], more: object = {}) =>
    res.write(`data: ${JSON.stringify({ ...own, choices, ...more })}\n\n`)
  const say = (delta: object, finish_reason: 'stop' | null = null) =>
    send([{ index: 0, delta, finish_reason, logprobs: null }])
  say({ role: 'assistant', content: '' })
  try {
    for await (const word of typed(content, paceMs, left.signal)) say({ content: word })
  } catch {
    return
  }
  say({}, 'stop')
  if (req.body.stream_options?.include_usage) send([], { usage })
  res.end('data: [DONE]\n\n')
}

/** Every answer has an id of its own: one that comes twice was stored. */
function head() {
  return { id: `chatcmpl-${crypto.randomUUID()}`, created: Math.floor(Date.now() / 1000), model }
}

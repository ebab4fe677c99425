import { once } from 'node:events'
import type { RequestListener, ServerResponse } from 'node:http'
import { offlineApi } from '../../examples/openai-proxy/offline.ts'
import { listen } from '../support/apps.ts'
import { sseOf } from '../support/sse.ts'

/** OpenAI's API in small, which counts what it is asked. */
export interface ModelApi {
  /** Up to and with the version. */
  readonly url: string
  /** The `Authorization` of each question so far. */
  readonly asked: readonly (string | undefined)[]
  /** Answers the next question. */
  next(answer: RequestListener): void
  close(): Promise<void>
}

/** Starts an API whose model always says the same. */
export async function startModelApi(): Promise<ModelApi> {
  const model = offlineApi(() => 'Tea is ready.', 0)
  const asked: (string | undefined)[] = []
  const answers: RequestListener[] = []
  const { url, close } = await listen((req, res) => {
    asked.push(req.headers.authorization)
    const answer = answers.shift() ?? model
    answer(req, res)
  })
  return {
    url: `${url}/v1`,
    asked,
    next: (answer) => void answers.push(answer),
    close,
  }
}

/** Answers with JSON. */
export function json(status: number, body: object, headers: Record<string, string> = {}) {
  return (_req: unknown, res: ServerResponse): void => {
    res.writeHead(status, { 'content-type': 'application/json', ...headers })
    res.end(JSON.stringify(body))
  }
}

/** Answers with a whole stream. */
export function pieces(sent: readonly object[], headers: Record<string, string> = {}) {
  return (_req: unknown, res: ServerResponse): void => {
    res.writeHead(200, { 'content-type': 'text/event-stream', ...headers }).end(sseOf(sent))
  }
}

/** Begins a stream with these words, and lets go of it; gives the response once it is asked. */
export function beginning(...words: string[]) {
  let given: (res: ServerResponse) => void = () => {}
  const asked = new Promise<ServerResponse>((resolve) => {
    given = resolve
  })
  return {
    answer(_req: unknown, res: ServerResponse): void {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write(sseOf(words.map(chunkOf)).replace('data: [DONE]\n\n', ''))
      given(res)
    },
    asked,
    /** Fulfilled once nobody listens any more. */
    left: asked.then((res) => once(res, 'close')),
  }
}

/** A piece of an answer. */
export function chunkOf(content: string) {
  return {
    ...{ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm' },
    choices: [{ index: 0, delta: { content }, finish_reason: null }],
  }
}

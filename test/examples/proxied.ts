import type { Store } from 'memoryware'
import OpenAI from 'openai'
import { type ProxyOptions, proxyApp } from '../../examples/openai-proxy/app.ts'
import { listen } from '../support/apps.ts'
import { type ModelApi, startModelApi } from './model-api.ts'

/** The proxy, in front of a model of the test's own. */
export interface Proxied {
  readonly model: ModelApi
  readonly url: string
  /** OpenAI's client, with this key. */
  client(apiKey?: string, maxRetries?: number): OpenAI
  close(): Promise<void>
}

/** What may be used in a day, where a test says nothing else. */
export const tokens = 100_000

/** Starts a model, and the proxy in front of it. */
export async function startProxy(
  store: Store,
  options: Partial<ProxyOptions> = {},
): Promise<Proxied> {
  const model = await startModelApi()
  const app = proxyApp({ baseUrl: model.url, tokensPerDay: tokens, store, ...options })
  const proxy = await listen(app)
  return {
    model,
    url: proxy.url,
    client: (apiKey = 'sk-ann', maxRetries = 0) =>
      new OpenAI({ apiKey, maxRetries, baseURL: `${proxy.url}/v1` }),
    async close() {
      await proxy.close()
      await model.close()
    },
  }
}

/** A question whose answer is kept. */
export const question = {
  model: 'offline',
  messages: [{ role: 'user', content: 'Is tea ready?' }],
  temperature: 0,
} satisfies OpenAI.ChatCompletionCreateParams

/** What a client was sent. */
export interface Answered {
  readonly response: Response
  readonly text: string
  /** Of the tokens, where the budget was asked for. */
  readonly left: number | undefined
}

/** Asks through the client, and gives what came over the wire. */
export async function ask(
  openai: OpenAI,
  more: object = {},
  headers: Record<string, string> = {},
): Promise<Answered> {
  const body = { ...question, ...more } as typeof question
  const response = await openai.chat.completions.create(body, { headers }).asResponse()
  const left = response.headers.get('x-ratelimit-remaining-tokens')
  return { response, text: await response.text(), left: left === null ? undefined : Number(left) }
}

/** What the cache did with each: `hit`, `stored`, `collapsed`, `bypass`, or why it went on. */
export function cacheOf(...answers: readonly Answered[]): string[] {
  return answers.map(({ response }) => {
    const said = response.headers.get('cache-status') ?? 'none'
    return /\b(?:hit|stored|collapsed|bypass)\b/.exec(said)?.[0] ?? said
  })
}

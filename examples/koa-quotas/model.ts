import { setTimeout as sleep } from 'node:timers/promises'
import { estimateTokenCount } from 'tokenx'
import type { Answerer } from '../koa-chat/answers.ts'
import { typed } from '../rag-chat/typing.ts'
import type { Asked } from './asked.ts'

/** Tokens as OpenAI states them. */
export interface Usage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly total_tokens: number
}

/** A piece of a stream as OpenAI sends them with `stream_options: { include_usage: true }`. */
export interface Chunk {
  readonly id: string
  readonly object: 'chat.completion.chunk'
  readonly created: number
  readonly model: string
  readonly choices: readonly {
    readonly index: number
    readonly delta: { readonly content?: string }
    readonly finish_reason: 'stop' | null
  }[]
  /** On the last chunk only. */
  readonly usage: Usage | null
}

/** Answers in pieces; the signal stops it. */
export type Model = (asked: Asked, signal: AbortSignal) => AsyncGenerator<Chunk>

const system = 'Answer with what the README of memoryware says, and with nothing else.'

/** Tokens that are sent to the model for a question. */
export function promptTokens(question: string): number {
  return estimateTokenCount(`${system}\n${question}`)
}

/** What a question and an answer took. */
export function usageOf(question: string, answer: string): Usage {
  const [asked, said] = [promptTokens(question), estimateTokenCount(answer)]
  return { prompt_tokens: asked, completion_tokens: said, total_tokens: asked + said }
}

const thinkingWords = 15

/** Stands in for a model: says what an answerer knows, a word every `paceMs`, and counts its tokens. */
export function offlineModel(answerer: Answerer, paceMs: number): Model {
  return async function* stream({ question, long, broken }, signal) {
    const head = {
      id: `chatcmpl-${crypto.randomUUID()}`,
      object: 'chat.completion.chunk',
      created: Math.floor(Date.now() / 1000),
      model: 'offline',
    } as const
    await sleep(thinkingWords * paceMs * (broken ? 3 : 1), undefined, { signal })
    if (broken) throw new Error('The model has broken, as it was asked to')
    const text = long ? await longAnswer(answerer, question) : await short(answerer, question)
    for await (const content of typed(text, paceMs, signal))
      yield {
        ...head,
        choices: [{ index: 0, delta: { content }, finish_reason: null }],
        usage: null,
      }
    yield { ...head, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: null }
    yield { ...head, choices: [], usage: usageOf(question, text) }
  }
}

async function short(answerer: Answerer, question: string): Promise<string> {
  return answerer([{ role: 'user', content: question }])
}

const subjects = [
  'How is a guest known?',
  'What happens when Redis is down?',
  'What does the cache store?',
  'How are messages counted in a context?',
  'How does a stream resume after a reload?',
  'What does rateLimit count?',
  'How are sessions listed and deleted?',
  'How are values encrypted?',
  'How does it run on a Cluster?',
  'What do summaries keep?',
  'Which header fields tell of the limits?',
  'How is an answer stopped?',
  'What happens to two requests at the same time?',
  'Which serializers are there?',
  'How are provider and client configured?',
  'What does the deadline of a command do?',
  'How are messages formatted for a model?',
  'Which events are published?',
  'How is a user known who signs in?',
  'What is cached, and for how long?',
  'How are results of functions cached?',
  'How is the store tested?',
  'What happens to a tool call?',
  'How are keys named?',
]

/** More than a minute of the smaller plan allows. */
const longTokens = 430

async function longAnswer(answerer: Answerer, question: string): Promise<string> {
  const answers = await Promise.all([question, ...subjects].map((each) => short(answerer, each)))
  let text = ''
  for (const each of new Set(answers)) {
    if (estimateTokenCount(text) < longTokens) text += `${each}\n\n`
  }
  return text.trimEnd()
}

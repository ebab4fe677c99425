import { MockLanguageModelV3 } from 'ai/test'
import type { Latch } from './latch.ts'

type DoStream = MockLanguageModelV3['doStream']
type Prompt = Parameters<DoStream>[0]['prompt']
type Part = Awaited<ReturnType<DoStream>>['stream'] extends ReadableStream<infer P> ? P : never

/** A piece of an answer: text, a call of a tool, something to wait for, or an error. */
export type Scripted =
  | string
  | { readonly call: string; readonly id: string; readonly input: object }
  | Latch
  | Error

/** A model of the AI SDK that says what it is told to. */
export interface ScriptedModel {
  readonly model: MockLanguageModelV3
  /** What it was asked, each time, without the system's words. */
  readonly prompts: Prompt[]
}

const usage = {
  inputTokens: { total: 3, noCache: 3, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 10, text: 10, reasoning: undefined },
}

/** A model that gives these answers one after another. */
export function scriptedModel(...answers: readonly (readonly Scripted[])[]): ScriptedModel {
  const left = [...answers]
  const prompts: Prompt[] = []
  const model = new MockLanguageModelV3({
    async doStream({ prompt, abortSignal }) {
      prompts.push(prompt)
      return { stream: ReadableStream.from(parts(left.shift() ?? [], abortSignal)) }
    },
  })
  return { model, prompts }
}

async function* parts(
  answer: readonly Scripted[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Part> {
  yield { type: 'stream-start', warnings: [] }
  let unified: 'stop' | 'tool-calls' = 'stop'
  for (const [at, piece] of answer.entries()) {
    if (piece instanceof Error) throw piece
    if (typeof piece === 'string') yield* text(String(at), piece)
    else if ('call' in piece) {
      unified = 'tool-calls'
      const { call, id, input } = piece
      yield { type: 'tool-call', toolCallId: id, toolName: call, input: JSON.stringify(input) }
    } else {
      const aborted = new Promise<void>((resolve) => {
        signal?.addEventListener('abort', () => resolve(), { once: true })
      })
      await Promise.race([piece.opened, aborted])
      if (signal?.aborted) throw signal.reason
    }
  }
  yield { type: 'finish', finishReason: { unified, raw: undefined }, usage }
}

function* text(id: string, delta: string): Generator<Part> {
  yield { type: 'text-start', id }
  yield { type: 'text-delta', id, delta }
  yield { type: 'text-end', id }
}

import { UsageError } from '../../errors.ts'
import { aiSdkForm } from './ai-sdk-form.ts'
import { anthropicForm } from './anthropic-form.ts'
import { chatForm } from './chat-form.ts'
import { type Chunk, isChunk } from './chunk.ts'
import { type Folder, folder } from './fold.ts'
import type { AnswerForm, AnyAnswer, FormReader } from './form.ts'
import { langchainForm } from './langchain-form.ts'
import { outlet } from './outlet.ts'
import { responsesForm } from './responses-form.ts'
import { fieldsOf } from './shape.ts'
import { textForm } from './text-form.ts'

/** An answer as a model provider's package streams it, or any texts one after another. */
export type AnswerSource =
  | AsyncIterable<unknown>
  | ReadableStream<unknown>
  | Iterable<unknown>
  | { readonly fullStream: AsyncIterable<unknown> | ReadableStream<unknown> }

/** Reads the pieces of one answer. */
export interface AnswerReader {
  /** What a piece adds to the answer. A piece of no known form adds nothing. */
  push(piece: unknown): readonly Chunk[]
  /** Ends what is still open. */
  end(): readonly Chunk[]
  /**
   * The answer so far, valid for the provider at any time: a tool call that is only half there is
   * left out. Empty where nothing was said.
   */
  reply(): readonly AnyAnswer[]
  /** Whose form `reply()` has. Pieces of several forms make an answer of the AI SDK. */
  form(): AnswerForm
  /** Tokens used, as the provider states them. */
  usage(): unknown
  /** The error that the stream itself told of; the chunk made of it does not say what it was. */
  failure(): unknown
}

/** Makes a reader, which finds out from the pieces whose form they have. */
export function answerReader(): AnswerReader {
  const chunks: Chunk[] = []
  const whole = folder()
  const out = outlet((chunk) => {
    // Whoever reads it again, from what is kept, would take the whole batch for corrupt.
    if (!isChunk(chunk)) return
    chunks.push(chunk)
    whole.push(chunk)
  })
  const forms = [langchainForm, textForm, chatForm, responsesForm, anthropicForm, aiSdkForm].map(
    (make) => make(),
  )
  const seen = new Set<FormReader>()
  let current: FormReader | undefined
  let failure: unknown

  function take(piece: unknown): void {
    const found = errorIn(piece)
    if (found !== undefined) {
      failure ??= found.cause
      out.put({ type: 'error', errorText: found.text })
      return
    }
    const inner = wrapped(piece)
    // Most of a stream has one form, so the last one is asked first.
    const taken = [current, ...forms].find((form) => form?.take(inner, out))
    if (taken === undefined) return
    current = taken
    seen.add(taken)
  }

  return {
    push(piece) {
      take(piece)
      return chunks.splice(0)
    },
    end() {
      for (const form of seen) form.end(out)
      out.end()
      return chunks.splice(0)
    },
    reply: () => (seen.size > 1 ? together(whole) : (current?.reply() ?? [])),
    form: () => (seen.size > 1 ? 'ai-sdk' : (current?.form ?? 'text')),
    usage: () => [...seen].map((form) => form.usage()).find((usage) => usage !== undefined),
    failure: () => failure,
  }
}

/**
 * The pieces of a source in order. A string or bytes are one piece; of a result of the AI SDK's
 * `streamText()` it is the full stream.
 *
 * @throws UsageError for what is no source.
 */
export function piecesOf(source: AnswerSource | string): AsyncIterable<unknown> {
  if (typeof source === 'string' || source instanceof Uint8Array) return oneByOne([source])
  const { fullStream } = fieldsOf<'fullStream'>(source)
  const pieces: Partial<AsyncIterable<unknown> & Iterable<unknown> & ReadableStream<unknown>> =
    fieldsOf(fullStream ?? source)
  if (typeof pieces[Symbol.asyncIterator] === 'function') return pieces as AsyncIterable<unknown>
  if (typeof pieces[Symbol.iterator] === 'function') return oneByOne(pieces as Iterable<unknown>)
  if (typeof pieces.getReader === 'function') return piecesIn(pieces as ReadableStream<unknown>)
  throw new UsageError('An answer must be a stream, an iterable or a text')
}

async function* oneByOne(pieces: Iterable<unknown>): AsyncIterable<unknown> {
  yield* pieces
}

/** A stream of a runtime, or of a polyfill, that cannot be iterated. */
async function* piecesIn(stream: ReadableStream<unknown>): AsyncIterable<unknown> {
  const reader = stream.getReader()
  let ended = false
  try {
    while (!ended) {
      const { done, value } = await reader.read()
      ended = done
      if (!done) yield value
    }
  } finally {
    if (!ended) await reader.cancel()
    reader.releaseLock()
  }
}

function together(whole: Folder): readonly AnyAnswer[] {
  const answer = whole.answer()
  return answer ? [{ ...answer }] : []
}

/** An event of the OpenAI Agents SDK carries that of the model. */
function wrapped(piece: unknown): unknown {
  const { type, data } = fieldsOf<'type' | 'data'>(piece)
  return type === 'raw_model_stream_event' ? fieldsOf<'event'>(data).event : piece
}

/** What is told to a client of an error: a provider's own words may name accounts or keys. */
const masked = 'An error occurred.'

function errorIn(piece: unknown): { readonly cause: unknown; readonly text: string } | undefined {
  const { type, error, errorText, response, choices } = fieldsOf<
    'type' | 'error' | 'errorText' | 'response' | 'choices'
  >(piece)
  if (type === 'error' && typeof errorText === 'string')
    return { cause: errorText, text: errorText }
  if (type === 'error') return { cause: error ?? piece, text: masked }
  if (type === 'response.failed')
    return { cause: fieldsOf<'error'>(response).error ?? response ?? piece, text: masked }
  const told = type === undefined && choices === undefined && typeof error === 'object' && error
  return told ? { cause: error, text: masked } : undefined
}

import type { Chunk } from './chunk.ts'

/** An answer as a model provider's package streams it, or any texts one after another. */
export type AnswerSource = AsyncIterable<unknown> | ReadableStream<unknown> | Iterable<unknown>

/** Whose form an answer has. `text`: plain text, stored like a chat message of OpenAI's. */
export type AnswerForm = 'text' | 'openai' | 'openai-responses' | 'anthropic' | 'ai-sdk'

/**
 * A message, or an item of OpenAI's Responses, in the provider's own form: it can be handed back to
 * the provider as it is.
 */
export type AnyAnswer = { readonly role?: unknown; readonly type?: unknown } & Readonly<
  Record<string, unknown>
>

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
  throw new Error('not yet')
}

/** The pieces of a source in order; a string is one piece. @throws UsageError for what is no source. */
export function piecesOf(_source: AnswerSource | string): AsyncIterable<unknown> {
  throw new Error('not yet')
}

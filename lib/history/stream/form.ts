import type { Outlet } from './outlet.ts'

/** Whose form an answer has. `text`: plain text, stored like a chat message of OpenAI's. */
export type AnswerForm = 'text' | 'openai' | 'openai-responses' | 'anthropic' | 'ai-sdk'

/**
 * A message, or an item of OpenAI's Responses, in the provider's own form: it can be handed back to
 * the provider as it is.
 */
export type AnyAnswer = { readonly role?: unknown; readonly type?: unknown } & Readonly<
  Record<string, unknown>
>

/** Reads the pieces of one provider. */
export interface FormReader {
  readonly form: AnswerForm
  /** Reads a piece; false, without any effect, where it is not of this form. */
  take(piece: unknown, out: Outlet): boolean
  /** Nothing follows. */
  end(out: Outlet): void
  /** The answer so far, without what is only half there. */
  reply(): readonly AnyAnswer[]
  usage(): unknown
}

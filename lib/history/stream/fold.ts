import type { Chunk } from './chunk.ts'

/** An answer put together from its chunks: text, or parts as in the AI SDK's `UIMessage`. */
export type UiAnswer =
  | { readonly role: 'assistant'; readonly content: string }
  | {
      readonly role: 'assistant'
      readonly parts: readonly UiPart[]
      readonly metadata?: unknown
    }

/** One part of a `UIMessage`. */
export interface UiPart {
  readonly type: string
  readonly [field: string]: unknown
}

/**
 * Puts chunks together that may end anywhere. Each part is in a final state: a tool call without
 * its outcome has failed as interrupted, unless the answer is finished and leaves the call to the
 * client. `undefined` where nothing was said.
 */
export function fold(_chunks: Iterable<Chunk>): UiAnswer | undefined {
  throw new Error('not yet')
}

import type { Chunk } from './chunk.ts'

/**
 * How an answer is sent. `sse`: events a browser's `EventSource` reads. `ui`: what the AI SDK's
 * `useChat` reads. `text`: nothing but text.
 */
export type StreamForm = 'sse' | 'ui' | 'text'

/** How an answer ended. `interrupted`: whoever answered is gone. */
export type EndStatus = 'complete' | 'aborted' | 'interrupted' | 'failed'

/** Writes one answer to one client. */
export interface StreamWriter {
  readonly headers: Readonly<Record<string, string>>
  /** What comes before the first piece. */
  head(info: { readonly messageId: string; readonly turn: string }): string
  /** A piece and its event id; empty where this form has no words for it. */
  piece(chunk: Chunk, id: string): string
  /** Keeps the connection alive without saying anything; empty where the form cannot. */
  comment(): string
  /** What comes after the last piece. */
  end(status: EndStatus, messageId: string): string
}

/** Makes a writer for one client. */
export function streamWriter(_form: StreamForm): StreamWriter {
  throw new Error('not yet')
}

import type { Chunk } from '../../lib/history/stream/chunk.ts'
import type { AnyAnswer } from '../../lib/history/stream/form.ts'
import { type AnswerReader, answerReader } from '../../lib/history/stream/source.ts'

/** What a reader made of pieces. */
export interface ReadAnswer {
  readonly chunks: Chunk[]
  readonly reply: readonly AnyAnswer[]
  readonly reader: AnswerReader
}

/** Reads all pieces to their end. */
export async function readAnswer(
  source: Iterable<unknown> | AsyncIterable<unknown>,
): Promise<ReadAnswer> {
  const reader = answerReader()
  const chunks: Chunk[] = []
  for await (const piece of source) chunks.push(...reader.push(piece))
  chunks.push(...reader.end())
  return { chunks, reply: reader.reply(), reader }
}

/** The text a client sees. */
export function textOf(chunks: readonly Chunk[]): string {
  return chunks.map((chunk) => (chunk.type === 'text-delta' ? chunk.delta : '')).join('')
}

/** A value as it is once it was kept: without what JSON cannot say. */
export function kept<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}

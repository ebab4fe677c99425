import type { Chunk } from './chunk.ts'
import { isChunk } from './chunk.ts'
import { parsed } from './shape.ts'

/** Chunks that follow each other; the first has the number `first`, each next one more. */
export interface ChunkBatch {
  readonly first: number
  readonly chunks: readonly Chunk[]
}

/** The bytes of a batch, as they are kept and published. */
export function encodeBatch({ first, chunks }: ChunkBatch): Uint8Array {
  return Buffer.from(`${first}${JSON.stringify(chunks)}`)
}

/** Gives back the batch. @throws TypeError for bytes that are none. */
export function decodeBatch(bytes: Uint8Array): ChunkBatch {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
  const [digits = ''] = /^[1-9][0-9]{0,15}(?=\[)/.exec(text) ?? []
  const first = Number(digits)
  const chunks = parsed(text.slice(digits.length))
  if (first === 0 || !Number.isSafeInteger(first) || !isChunks(chunks))
    throw new TypeError('These bytes are no batch of chunks')
  return { first, chunks }
}

function isChunks(value: unknown): value is readonly Chunk[] {
  return Array.isArray(value) && value.length > 0 && value.every(isChunk)
}

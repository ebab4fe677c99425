import type { Chunk } from './chunk.ts'

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
export function decodeBatch(_bytes: Uint8Array): ChunkBatch {
  throw new Error('not yet')
}

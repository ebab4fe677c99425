import type { Chunk } from './chunk.ts'

/** Chunks that follow each other; the first has the number `first`, each next one more. */
export interface ChunkBatch {
  readonly first: number
  readonly chunks: readonly Chunk[]
}

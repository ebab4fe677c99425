import { StoreError } from '../errors.ts'
import type { Codec } from './codec.ts'
import type { ChunkBatch } from './stream/batch.ts'
import { isChunk } from './stream/chunk.ts'

/** The stored form of a batch of pieces of a turn. */
export function encodePieces(codec: Codec, turn: string, batch: ChunkBatch): Uint8Array {
  return codec.encode(nameOf(turn), batch)
}

/** Gives back the batch. @throws StoreError `corrupt` for bytes that are none of this turn's. */
export function decodePieces(codec: Codec, turn: string, bytes: Buffer): ChunkBatch {
  const batch = codec.decode(nameOf(turn), bytes) as Partial<ChunkBatch> | undefined
  const { first, chunks } = batch ?? {}
  if (!isNumber(first) || !Array.isArray(chunks) || chunks.length === 0 || !chunks.every(isChunk))
    throw new StoreError('read', 'corrupt')
  return { first, chunks }
}

/** No message id begins so: what is kept of one is never taken for the other. */
function nameOf(turn: string): string {
  return `~t:${turn}`
}

/** Pieces are counted from 1. */
function isNumber(first: unknown): first is number {
  return Number.isSafeInteger(first) && Number(first) >= 1
}

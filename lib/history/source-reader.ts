import type { Chunk } from './stream/chunk.ts'
import { type AnswerReader, piecesOf } from './stream/source.ts'
import type { TurnSource } from './turn.ts'

/** How reading a source ended; it has failed when `error` is there. */
export type ReadSource =
  | { readonly kind: 'complete' | 'stopped' }
  | { readonly kind: 'failed'; readonly error: unknown }

/** What reading works on. */
export interface SourceReading {
  readonly reader: AnswerReader
  readonly signal: AbortSignal
  emit(chunk: Chunk): void
  /** Asked after each piece: what to wait for before the next. */
  rest(): Promise<void> | undefined
}

/** Reads a source to its end, or until the signal is aborted; the source is told to end then. */
export async function readSource(
  source: TurnSource,
  { reader, signal, emit, rest }: SourceReading,
): Promise<ReadSource> {
  try {
    for await (const piece of untilAborted(piecesOf(source), signal)) {
      for (const chunk of reader.push(piece)) emit(chunk)
      await rest()
    }
  } catch (error) {
    // What a source throws because it was told to stop is no failure.
    return signal.aborted ? { kind: 'stopped' } : { kind: 'failed', error }
  }
  if (signal.aborted) return { kind: 'stopped' }
  for (const chunk of reader.end()) emit(chunk)
  const error = reader.failure()
  return error === undefined ? { kind: 'complete' } : { kind: 'failed', error }
}

/** The pieces that come before the signal is aborted, without waiting for one that does not come. */
async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]()
  let wake: () => void = () => {}
  const abort = () => wake()
  signal.addEventListener('abort', abort)
  let open = true
  try {
    while (!signal.aborted) {
      const next = await new Promise<IteratorResult<T> | undefined>((resolve, reject) => {
        wake = () => resolve(undefined)
        Promise.resolve(iterator.next()).then(resolve, reject)
      })
      open = next?.done !== true
      if (next === undefined || next.done) return
      yield next.value
    }
  } catch (error) {
    open = false
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
    // A source that hangs would not answer: nobody waits for it.
    if (open)
      Promise.resolve()
        .then(() => iterator.return?.())
        .catch(() => {})
  }
}

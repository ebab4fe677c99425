import { Readable } from 'node:stream'

// The longest that a timer takes.
const longestMs = 2 ** 31 - 1

/**
 * A stored stream in its original rhythm. `pieces` are the bytes of each piece and its milliseconds
 * after the head, in turn; what they leave of the body comes with the last. The clock starts when the
 * first byte is asked for; who reads slowly gets what is due, and nothing piles up. The signal ends it.
 */
export function replay(body: Buffer, pieces: readonly number[], signal: AbortSignal): Readable {
  return new Replay(body, pieces, signal)
}

class Replay extends Readable {
  readonly #body: Buffer
  readonly #pieces: readonly number[]
  readonly #signal: AbortSignal
  readonly #stop = (): void => void this.destroy()
  #startedAt: number | undefined
  /** Index of the next piece, and bytes before it. */
  #at = 0
  #passed = 0
  #timer: NodeJS.Timeout | undefined

  constructor(body: Buffer, pieces: readonly number[], signal: AbortSignal) {
    super()
    this.#body = body
    this.#pieces = pieces
    this.#signal = signal
    if (signal.aborted) this.destroy()
    else signal.addEventListener('abort', this.#stop, { once: true })
  }

  override _read(): void {
    const now = performance.now()
    this.#startedAt ??= now
    const dueMs = this.#pieces[this.#at + 1] ?? 0
    const waitMs = Math.min(this.#startedAt + dueMs - now, longestMs)
    clearTimeout(this.#timer)
    if (waitMs <= 0) this.#give()
    else this.#timer = setTimeout(() => this._read(), Math.ceil(waitMs)).unref()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#timer)
    this.#signal.removeEventListener('abort', this.#stop)
    done(error)
  }

  #give(): void {
    const last = this.#at + 2 >= this.#pieces.length
    const size = this.#pieces[this.#at] ?? 0
    const end = last ? this.#body.length : this.#passed + size
    // Others may be answered from the same bytes, and who reads these may write into them.
    const piece = Buffer.from(this.#body.subarray(this.#passed, end))
    this.#at += 2
    this.#passed += piece.length
    if (piece.length > 0) this.push(piece)
    if (this.#passed >= this.#body.length) this.push(null)
    else if (piece.length === 0) this._read()
  }
}

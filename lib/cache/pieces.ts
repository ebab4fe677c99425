// Beyond this many, pieces of a stream are taken together.
const mostTimes = 2000

/** The body of an answer, as far as it has come, and for a stream when each piece came. */
export class Pieces {
  readonly #maxBytes: number
  readonly #began = performance.now()
  readonly isStream: boolean
  #chunks: Buffer[] = []
  #size = 0
  readonly #times: number[] = []

  /** Above `maxBytes` nothing is kept. */
  constructor(maxBytes: number, isStream: boolean) {
    this.#maxBytes = maxBytes
    this.isStream = isStream
  }

  /** In bytes. */
  get size(): number {
    return this.#size
  }

  /** More has come than may be kept. */
  get isFull(): boolean {
    return this.#size > this.#maxBytes
  }

  push(bytes: Buffer): void {
    this.#size += bytes.length
    if (this.isFull) this.#chunks = []
    else this.#chunks.push(bytes)
    if (this.isStream) this.#note(bytes.length)
  }

  /** The last bytes, at most this many. */
  tail(most: number): Buffer {
    const last: Buffer[] = []
    let size = 0
    for (let at = this.#chunks.length - 1; at >= 0 && size < most; at--) {
      const chunk = this.#chunks[at] as Buffer
      last.unshift(chunk)
      size += chunk.length
    }
    return Buffer.concat(last).subarray(-most)
  }

  body(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  /** Bytes and milliseconds since the head, piece by piece; `undefined` for what is no stream. */
  times(): readonly number[] | undefined {
    return this.isStream ? this.#times : undefined
  }

  #note(bytes: number): void {
    if (bytes === 0) return
    const last = this.#times.length - 2
    if (last >= 2 * (mostTimes - 1)) this.#times[last] = (this.#times[last] as number) + bytes
    else this.#times.push(bytes, Math.round(performance.now() - this.#began))
  }
}

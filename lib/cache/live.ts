import { Readable } from 'node:stream'
import { MemorywareError } from '../errors.ts'
import type { Entry } from './entry.ts'

/** What is known of an answer before its first byte. */
export interface LiveHead {
  readonly entry: Omit<Entry, 'body' | 'pieces'>
  /** What the answer varies by. */
  readonly names: readonly string[]
  /** Names the variant, under these. */
  readonly variant: string
}

/** Somebody who takes the pieces of an answer one by one, from the first. */
export interface Tap {
  /** The next piece; `undefined` where it has not come yet. */
  take(): Buffer | undefined
  /** The answer is whole, and all of it taken. */
  readonly done: boolean
  /** Takes nothing any more. */
  close(): void
}

/** Told of an answer while it grows. */
interface TapListener {
  /** There is another piece, or the end. */
  more(): void
  /** The answer broke off, or what comes next is not kept any more; the tap is closed. */
  broke(error: Error): void
}

interface Open {
  readonly listener: TapListener
  /** Number of the piece to take next, and bytes before it. */
  at: number
  passed: number
}

/**
 * An answer in the making, read by several while it grows. All readers share its pieces. Once it is
 * larger than `maxBytes`, nobody can begin to read, what all readers have passed is let go of, and a
 * reader that is further behind than that is given up: memory stays bounded however long it grows.
 */
export class Live {
  readonly head: LiveHead
  readonly maxBytes: number
  #pieces: Buffer[] = []
  /** How many pieces were let go of. */
  #gone = 0
  #size = 0
  #end: 'complete' | 'broken' | undefined
  readonly #open = new Set<Open>()
  #onReader: () => void = () => {}

  constructor(head: LiveHead, maxBytes: number) {
    this.head = head
    this.maxBytes = maxBytes
  }

  /** Whether its end has come, whichever. */
  get ended(): boolean {
    return this.#end !== undefined
  }

  /** Whether it can still be read from its first byte. */
  get joinable(): boolean {
    return this.#size <= this.maxBytes && this.#end !== 'broken'
  }

  /** How many read it now. */
  get readers(): number {
    return this.#open.size
  }

  /** How many pieces are in memory. */
  get kept(): number {
    return this.#pieces.length
  }

  /** Has the listener called whenever somebody begins to read. */
  onReader(listener: () => void): void {
    this.#onReader = listener
  }

  /** Adds a piece; it is handed to all readers as it is, so nobody may write into it any more. */
  push(bytes: Buffer): void {
    if (this.ended || bytes.length === 0) return
    this.#pieces.push(bytes)
    this.#size += bytes.length
    this.#tell()
    if (!this.joinable) this.#shed()
  }

  /** Ends it; where it is not complete, those who read it are given up with an error. */
  end(complete: boolean): void {
    if (this.ended) return
    this.#end = complete ? 'complete' : 'broken'
    if (complete) {
      this.#tell()
      return
    }
    this.#pieces = []
    for (const open of this.#open) this.#giveUp(open, brokenOff())
  }

  /**
   * The answer from its first byte on, at the reader's own pace. `after` may cut pieces, or leave them
   * out. What is not joinable gives an error instead.
   */
  read(after?: (chunk: Buffer) => Buffer | undefined): Readable {
    return new LiveReader((listener) => this.tap(listener), after)
  }

  /** Takes the pieces as they come; `undefined` where it is not joinable. */
  tap(listener: TapListener): Tap | undefined {
    if (!this.joinable) return undefined
    const open: Open = { listener, at: 0, passed: 0 }
    this.#open.add(open)
    this.#onReader()
    const live = this
    return {
      take: () => this.#take(open),
      get done() {
        return live.#end === 'complete' && open.at === live.#gone + live.#pieces.length
      },
      close: () => void this.#open.delete(open),
    }
  }

  /** One who fails to take a piece must not break off the answer of whoever makes it. */
  #tell(): void {
    for (const open of this.#open) {
      try {
        open.listener.more()
      } catch (error) {
        this.#giveUp(open, error instanceof Error ? error : brokenOff())
      }
    }
  }

  #take(open: Open): Buffer | undefined {
    if (!this.#open.has(open)) return undefined
    const piece = this.#pieces[open.at - this.#gone]
    if (piece === undefined) return undefined
    open.at += 1
    open.passed += piece.length
    return piece
  }

  #shed(): void {
    let first = this.#gone + this.#pieces.length
    for (const open of this.#open) {
      if (this.#size - open.passed > this.maxBytes) this.#giveUp(open, fellBehind())
      else first = Math.min(first, open.at)
    }
    this.#pieces.splice(0, first - this.#gone)
    this.#gone = first
  }

  #giveUp(open: Open, error: Error): void {
    this.#open.delete(open)
    open.listener.broke(error)
  }
}

class LiveReader extends Readable {
  readonly #tap: Tap | undefined
  readonly #after: (chunk: Buffer) => Buffer | undefined
  #wanted = false

  constructor(
    open: (listener: TapListener) => Tap | undefined,
    after: (chunk: Buffer) => Buffer | undefined = (chunk) => chunk,
  ) {
    super()
    this.#after = after
    this.#tap = open({ more: () => this.#give(), broke: (error) => void this.destroy(error) })
    if (this.#tap === undefined) this.destroy(brokenOff())
  }

  override _read(): void {
    this.#wanted = true
    this.#give()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#tap?.close()
    done(error)
  }

  #give(): void {
    const tap = this.#tap
    if (tap === undefined || this.readableEnded || this.destroyed) return
    while (this.#wanted) {
      const chunk = tap.take()
      if (chunk === undefined) break
      const rest = this.#after(chunk)
      if (rest !== undefined && rest.length > 0) this.#wanted = this.push(rest)
    }
    if (!tap.done) return
    tap.close()
    this.push(null)
  }
}

function brokenOff(): Error {
  return new MemorywareError('ERR_LIVE', 'The answer that was followed broke off')
}

function fellBehind(): Error {
  return new MemorywareError('ERR_LIVE', 'The answer that was followed went on too far ahead')
}

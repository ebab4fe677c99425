import type { SessionKeys } from '../keys.ts'
import type { Batch, TurnHold, Turns, Written } from '../ports/turns.ts'
import { type Beats, createPulse, type Pulse } from '../pulse.ts'
import { publish } from '../telemetry.ts'
import type { ChunkBatch } from './stream/batch.ts'
import type { Chunk } from './stream/chunk.ts'

/** A turn whose process has not been heard of for so long counts as abandoned. */
export const leaseMs = 5000
/** How long the pieces of an answer are kept after its end. */
export const keepMs = 600_000

const batchEveryMs = 25
const batchBytes = 64 * 1024
const bufferBytes = 1024 * 1024
const retryAfterMs = 250
const renewEveryMs = 1500
// More often than each is renewed, so that not all are renewed together.
const lookEveryMs = 100
// Whoever has a turn and neither writes to it nor ends it has forgotten it.
const silentMs = keepMs

/** A turn that this process answers. */
interface Answering {
  readonly keys: SessionKeys
  readonly hold: TurnHold
  encode(batch: ChunkBatch): Uint8Array
  /** It is to stop, it is no longer this process's, or its pieces could not be kept. */
  told(news: 'stopping' | 'lost' | 'degraded'): void
}

/** Where the pieces of one answer go while it grows. */
interface AnswerLine {
  /** Keeps a piece, a little later; gives its number, from 1. */
  push(chunk: Chunk): number
  /**
   * What to wait for where so much is to be kept that its writer should: until there is less, or the
   * store fails. Never rejects.
   */
  room(): Promise<void> | undefined
  /** What to wait for until all pieces are kept, or the store fails; never rejects. */
  flush(): Promise<void> | undefined
  /** Keeps what waits, but does not renew the lease by itself any more. */
  release(): void
  /** Keeps nothing any more and lets go of the lease. */
  close(): void
}

/** Where this process keeps the pieces of all answers that it gives. */
export interface AnswerLog {
  open(answering: Answering): AnswerLine
  /** Keeps what waits to be kept, while the store takes it, and nothing after that. */
  close(): Promise<void>
}

/**
 * Keeps pieces in batches, in order, one in flight for each turn, and renews the leases of turns
 * that have nothing to keep: one timer for each, however many turns there are.
 *
 * A store that fails is tried again; what waits for it is bounded. An answer that grew beyond that
 * is no longer kept piece by piece: its end still stores the whole of it.
 */
export function createAnswerLog(turns: Turns): AnswerLog {
  const batches = createPulse<Line>(batchEveryMs, (line, now) => void line.beat(now))
  const leases = createPulse<Line>(lookEveryMs, (line, now) => void line.renew(now))
  return {
    open(answering) {
      return new Line(turns, answering, batches, leases)
    },
    async close() {
      await Promise.all(leases.members.map((line) => line.flush()))
      batches.close()
      leases.close()
    },
  }
}

interface Piece {
  readonly chunk: Chunk
  readonly size: number
}

class Line implements AnswerLine {
  readonly #turns: Turns
  readonly #answering: Answering
  readonly #batching: Beats
  readonly #lease: Beats
  #pending: Piece[] = []
  #pendingBytes = 0
  #pushed = 0
  /** A batch that is on its way, or failed and goes again as it was. */
  #batch: Batch | undefined
  #sending: Promise<boolean> | undefined
  #touchedAt = performance.now()
  #pushedAt = this.#touchedAt
  #retryAt = 0
  /** Pieces are kept no more; the lease still is. */
  #full = false
  #closed = false

  constructor(turns: Turns, answering: Answering, batches: Pulse<Line>, leases: Pulse<Line>) {
    this.#turns = turns
    this.#answering = answering
    this.#batching = batches.of(this)
    this.#lease = leases.of(this)
    this.#lease.begin()
  }

  push(chunk: Chunk): number {
    this.#pushed += 1
    this.#pushedAt = performance.now()
    // A piece may be larger than that; what waits for a store that fails may not.
    if (this.#pendingBytes > bufferBytes) this.#giveUp()
    if (this.#closed || this.#full) return this.#pushed
    const size = JSON.stringify(chunk).length
    this.#pending.push({ chunk, size })
    this.#pendingBytes += size
    this.#batching.begin()
    if (this.#pendingBytes >= batchBytes) void this.beat(this.#pushedAt)
    return this.#pushed
  }

  get #crowded(): boolean {
    return this.#pendingBytes > bufferBytes / 4
  }

  room(): Promise<void> | undefined {
    return this.#crowded ? this.#makeRoom() : undefined
  }

  async #makeRoom(): Promise<void> {
    await new Promise(setImmediate)
    while (this.#crowded && performance.now() >= this.#retryAt) if (!(await this.#send())) return
  }

  flush(): Promise<void> | undefined {
    return this.#waiting ? this.#flush() : undefined
  }

  async #flush(): Promise<void> {
    while (this.#waiting && !this.#closed) if (!(await this.#send())) return
  }

  release(): void {
    this.#lease.end()
  }

  close(): void {
    this.#closed = true
    this.#drop()
    this.release()
  }

  /** Sends the next batch, unless one is on its way or the store has just failed. */
  async beat(now: number): Promise<void> {
    if (this.#sending !== undefined || now < this.#retryAt) return
    await this.#send()
    if (!this.#waiting) this.#batching.end()
  }

  async renew(now: number): Promise<void> {
    if (now - this.#pushedAt > silentMs) return this.close()
    if (now - this.#touchedAt < renewEveryMs || this.#sending !== undefined) return
    await this.#sent(undefined)
  }

  get #waiting(): boolean {
    return this.#pending.length > 0 || this.#batch !== undefined
  }

  async #send(): Promise<boolean> {
    if (this.#sending !== undefined) return this.#sending
    this.#batch ??= this.#next()
    return this.#batch === undefined || this.#sent(this.#batch)
  }

  #next(): Batch | undefined {
    const chunks = this.#take()
    if (chunks.length === 0) return undefined
    const last = this.#pushed - this.#pending.length
    try {
      return { last, bytes: this.#answering.encode({ first: last - chunks.length + 1, chunks }) }
    } catch (error) {
      publish('error', () => ({ during: 'turn', error }))
      this.#giveUp()
      return undefined
    }
  }

  #take(): Chunk[] {
    let bytes = 0
    let count = 0
    for (const { size } of this.#pending) {
      if (count > 0 && bytes + size > batchBytes) break
      bytes += size
      count += 1
    }
    this.#pendingBytes -= bytes
    return this.#pending.splice(0, count).map(({ chunk }) => chunk)
  }

  #sent(batch: Batch | undefined): Promise<boolean> {
    this.#sending = this.#write(batch).finally(() => {
      this.#sending = undefined
    })
    return this.#sending
  }

  /** False when the store failed. */
  async #write(batch: Batch | undefined): Promise<boolean> {
    const { keys, hold } = this.#answering
    this.#touchedAt = performance.now()
    try {
      const written = await this.#turns.write(keys, hold, batch, { leaseMs, keepMs })
      if (batch !== undefined) this.#batch = undefined
      this.#heard(written)
      return true
    } catch (error) {
      publish('error', () => ({ during: 'turn', error }))
      const now = performance.now()
      this.#retryAt = now + retryAfterMs
      this.#touchedAt = now - renewEveryMs + retryAfterMs
      if (!this.#closed) this.#answering.told('degraded')
      return false
    }
  }

  #heard(written: Written): void {
    if (this.#closed || written === 'written') return
    if (written === 'lost') this.close()
    this.#answering.told(written)
  }

  /** Pieces after a gap would be of no use to anybody. */
  #giveUp(): void {
    this.#full = true
    this.#drop()
    this.#answering.told('degraded')
  }

  #drop(): void {
    this.#pending = []
    this.#pendingBytes = 0
    this.#batch = undefined
    this.#batching.end()
  }
}

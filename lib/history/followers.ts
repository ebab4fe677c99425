import type { SessionKeys } from '../keys.ts'
import type { TurnRecord } from '../ports/history.ts'
import type { Turns, TurnView } from '../ports/turns.ts'
import { type Beats, createPulse, type Pulse } from '../pulse.ts'
import { publish } from '../telemetry.ts'
import type { ChunkBatch } from './stream/batch.ts'
import type { Chunk } from './stream/chunk.ts'

// More often than each is looked at, so that not all are looked at together.
const beatMs = 100
const quietMs = 1000
const watchMs = 6000

/** Somebody who follows a turn. */
interface FollowerParts {
  readonly keys: SessionKeys
  /** Encoded. */
  readonly turn: string
  /** Number of the last piece that is known. */
  readonly after: number
  decode(bytes: Buffer): ChunkBatch
  /** Each piece once, in order. */
  piece(chunk: Chunk, number: number): void
}

/** How the following of a turn ended. `lapsed`: whoever answered is gone. `gone`: so is the turn. */
export type Followed =
  | { readonly kind: 'ended' | 'lapsed'; readonly record: TurnRecord }
  | { readonly kind: 'gone' }

/** A turn that is followed. */
export interface Following {
  /** What the first look found; the pieces in it are told already. */
  readonly record: TurnRecord | undefined
  readonly done: Promise<Followed>
  /** Follows no more; `done` stays as it is. */
  stop(): void
}

/** Those who follow turns in this process, of whatever process. */
export interface Followers {
  /** Begins to follow. Rejects when the store fails at first; later it is asked again. */
  follow(parts: FollowerParts): Promise<Following>
  close(): void
}

/**
 * Follows turns: it watches, then looks at what is there, and hears the rest. One timer looks at
 * turns that are silent, because a message may be lost, and whoever answers may have died.
 */
export function createFollowers(turns: Turns): Followers {
  const silent = createPulse<Follower>(beatMs, (follower, now) => void follower.beat(now))
  return {
    async follow(parts) {
      const follower = new Follower(turns, parts, silent)
      await follower.start()
      return follower
    },
    close: silent.close,
  }
}

class Follower implements Following {
  record: TurnRecord | undefined
  readonly done: Promise<Followed>
  readonly #turns: Turns
  readonly #parts: FollowerParts
  readonly #silence: Beats
  readonly #end: (followed: Followed) => void
  #after: number
  /** Heard before the first look was done. */
  #early: Buffer[] | undefined = []
  #looking: Promise<void> | undefined
  #lookAgain = false
  #lookedAt = 0
  #heardAt = 0
  #over = false
  #leave: (() => Promise<void>) | undefined

  constructor(turns: Turns, parts: FollowerParts, silent: Pulse<Follower>) {
    this.#turns = turns
    this.#parts = parts
    this.#silence = silent.of(this)
    this.#after = parts.after
    let end: (followed: Followed) => void = () => {}
    this.done = new Promise((resolve) => {
      end = resolve
    })
    this.#end = end
  }

  async start(): Promise<void> {
    const { keys, turn } = this.#parts
    this.#leave = await this.#turns.watch(keys, turn, {
      batch: ({ bytes }) => this.#hear(bytes),
      ended: () => void this.#look().catch(failed),
    })
    try {
      await this.#look()
    } catch (error) {
      this.stop()
      throw error
    }
    if (!this.#over) this.#silence.begin()
  }

  stop(): void {
    this.#over = true
    this.#silence.end()
    const leave = this.#leave
    this.#leave = undefined
    leave?.().catch(failed)
  }

  async beat(now: number): Promise<void> {
    const silentMs = now - Math.max(this.#heardAt, this.#lookedAt)
    if (silentMs >= quietMs || now - this.#lookedAt > watchMs / 2) await this.#look().catch(failed)
  }

  #hear(bytes: Buffer): void {
    this.#heardAt = performance.now()
    if (this.#early) this.#early.push(bytes)
    // What lies between was lost on its way, and is kept.
    else if (!this.#tell(bytes, 'next')) void this.#look().catch(failed)
  }

  /** One look at a time; who asks meanwhile gets one that begins afterwards. */
  #look(): Promise<void> {
    if (this.#looking) {
      this.#lookAgain = true
      return this.#looking
    }
    this.#looking = this.#lookUntilDone().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  async #lookUntilDone(): Promise<void> {
    do {
      this.#lookAgain = false
      const { keys, turn } = this.#parts
      this.#lookedAt = performance.now()
      this.#see(await this.#turns.look(keys, turn, this.#after, watchMs))
    } while (this.#lookAgain && !this.#over)
  }

  #see({ record, live, batches }: TurnView): void {
    if (this.#over) return
    this.record = record ?? this.record
    for (const { bytes } of batches) this.#tell(bytes, 'any')
    const early = this.#early ?? []
    this.#early = undefined
    for (const bytes of early) this.#hear(bytes)
    if (record === undefined) this.#finish({ kind: 'gone' })
    else if (record.state === 'ended') this.#finish({ kind: 'ended', record })
    else if (!live) this.#finish({ kind: 'lapsed', record })
  }

  /** False for a batch that does not follow. */
  #tell(bytes: Buffer, order: 'next' | 'any'): boolean {
    if (this.#over) return true
    try {
      const { first, chunks } = this.#parts.decode(bytes)
      if (order === 'next' && first > this.#after + 1) return false
      for (const [at, chunk] of chunks.entries()) {
        if (first + at <= this.#after) continue
        this.#after = first + at
        this.#parts.piece(chunk, this.#after)
      }
    } catch (error) {
      failed(error)
      this.#finish({ kind: 'gone' })
    }
    return true
  }

  #finish(followed: Followed): void {
    if (this.#over) return
    this.stop()
    this.#end(followed)
  }
}

function failed(error: unknown): void {
  publish('error', () => ({ during: 'turn', error }))
}

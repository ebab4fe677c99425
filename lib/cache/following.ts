import type { FillEnd, FillPlace, Fills, FillView } from '../ports/fills.ts'
import type { Beats, Pulse } from '../pulse.ts'
import { publish } from '../telemetry.ts'
import { leaseMs } from './leading.ts'
import { Live } from './live.ts'
import { decodePieces, type LivePiece } from './live-pieces.ts'

/**
 * What has come of somebody else's answer. `live`: it is there to be read, and grows. `kept`: it is
 * stored. `refused`: it must not be shared, or cannot be read from its first byte. `failed`: there is
 * none. `lapsed`: whoever made it is gone. `away`: the store is.
 */
export type Followed =
  | { readonly kind: 'live'; readonly live: Live }
  | { readonly kind: FillEnd | 'lapsed' | 'away' }

/** An answer that another process makes. */
export interface Follow {
  /** Resolves as soon as the answer can be read, or with how it ended. Never rejects. */
  readonly next: Promise<Followed>
  /** Resolves once nothing more is heard of it, also where an answer that can be read has ended. */
  readonly over: Promise<void>
  /** Follows no more: an answer that is being read breaks off, unless it has ended. */
  leave(): void
}

/** What is followed, and with what. */
interface FollowParts {
  readonly fills: Fills
  readonly place: FillPlace
  readonly token: string
  /** Beats more often than a silent fill is looked at. */
  readonly silent: Pulse<Following>
}

const quietMs = 1000
// So long an answer that nobody reads is followed: somebody may come.
const idleMs = 5000

/**
 * Follows a fill: it watches, then looks at what is there, and hears the rest. A fill that is silent
 * is looked at each second: a message may be lost, and whoever makes the answer may have died.
 */
export class Following implements Follow {
  readonly next: Promise<Followed>
  readonly over: Promise<void>
  readonly #parts: FollowParts
  readonly #silence: Beats
  readonly #tell: (followed: Followed) => void
  readonly #end: () => void
  #live: Live | undefined
  /** Number of the last piece that was taken, and of the last that is known to be. */
  #after = 0
  #known = 0
  /** Heard before the first look was done. */
  #early: { readonly last: number; readonly bytes: Buffer }[] | undefined = []
  #looking: Promise<void> | undefined
  #lookAgain = false
  #lookedAt = 0
  #heardAt = performance.now()
  #idleSince: number | undefined
  #announced = false
  #done = false
  #leave: (() => Promise<void>) | undefined

  constructor(parts: FollowParts) {
    this.#parts = parts
    this.#silence = parts.silent.of(this)
    let tell: (followed: Followed) => void = () => {}
    this.next = new Promise((resolve) => {
      tell = resolve
    })
    this.#tell = tell
    let end: () => void = () => {}
    this.over = new Promise((resolve) => {
      end = resolve
    })
    this.#end = end
    void this.#start()
  }

  leave(): void {
    this.#finish('failed')
  }

  /** The store is about to close. */
  close(): void {
    this.#finish('away')
  }

  beat(now: number): void {
    if (this.#isIdle(now)) this.leave()
    else if (now - Math.max(this.#heardAt, this.#lookedAt) >= quietMs) void this.#look()
  }

  #isIdle(now: number): boolean {
    const idle = this.#live?.readers === 0
    this.#idleSince = idle ? (this.#idleSince ?? now) : undefined
    return this.#idleSince !== undefined && now - this.#idleSince >= idleMs
  }

  async #start(): Promise<void> {
    const { fills, place, token } = this.#parts
    try {
      this.#leave = await fills.watch(place, token, {
        batch: ({ last, bytes }) => this.#hear(last, bytes),
        ended: (how) => this.#ended(how),
      })
    } catch (error) {
      failed(error)
      this.#finish('away')
      return
    }
    if (this.#done) return this.#unwatch()
    await this.#look()
    if (!this.#done) this.#silence.begin()
  }

  #hear(last: number, bytes: Buffer): void {
    if (this.#done) return
    this.#heardAt = performance.now()
    if (this.#early) this.#early.push({ last, bytes })
    else if (this.#take(last, bytes)) this.#announce()
    else {
      // What lies between was lost on its way, and is kept.
      this.#known = Math.max(this.#known, last)
      void this.#look()
    }
  }

  /** An answer that is being read may have lost its last pieces on their way. */
  #ended(how: FillEnd): void {
    if (this.#live || this.#early) void this.#look()
    else this.#finish(how)
  }

  /** One look at a time; who asks meanwhile gets one that begins afterwards. */
  #look(): Promise<void> {
    this.#lookAgain = this.#looking !== undefined
    this.#looking ??= this.#lookUntilDone()
    return this.#looking
  }

  async #lookUntilDone(): Promise<void> {
    const { fills, place, token } = this.#parts
    try {
      do {
        this.#lookAgain = false
        this.#lookedAt = performance.now()
        const known = this.#known
        const view = await fills.look(place, token, this.#after)
        this.#heardAt = performance.now()
        this.#see(view, known)
      } while (this.#lookAgain && !this.#done)
    } catch (error) {
      failed(error)
      // Who waits for an answer makes their own; who reads one waits for more, for a while.
      const since = performance.now() - this.#heardAt
      if (this.#live === undefined || since >= leaseMs) this.#finish('away')
    }
    this.#looking = undefined
  }

  #see({ state, batches }: FillView, known: number): void {
    // The end of an answer says more than its pieces, unless these are being read.
    if (this.#live || state === 'running') this.#takeKept(batches)
    const early = this.#early ?? []
    this.#early = undefined
    if (state !== 'running') this.#finish(state === 'gone' ? 'lapsed' : state)
    for (const { last, bytes } of early) this.#hear(last, bytes)
    // It was there, and is not kept any more.
    if (this.#after < known) this.#finish('refused')
    this.#announce()
  }

  #takeKept(batches: FillView['batches']): void {
    for (const { last, bytes } of batches) if (!this.#take(last, bytes)) this.#finish('refused')
  }

  /** False for a batch that does not follow. */
  #take(last: number, bytes: Buffer): boolean {
    if (this.#done || last <= this.#after) return true
    const pieces = decodePieces(this.#parts.place.key, bytes)
    const first = last - (pieces?.length ?? 0) + 1
    if (pieces === undefined || first < 1) {
      this.#finish('refused')
      return true
    }
    if (first > this.#after + 1) return false
    for (const piece of pieces.slice(this.#after + 1 - first)) this.#add(piece)
    return true
  }

  #add(piece: LivePiece): void {
    if (this.#done) return
    this.#after += 1
    if (piece.kind === 'head' && this.#after === 1)
      this.#live = new Live(piece.head, piece.maxBytes)
    else if (piece.kind === 'body' && this.#live) this.#live.push(piece.bytes)
    else {
      if (piece.kind === 'complete') this.#live?.end(true)
      this.#finish('refused')
    }
  }

  /** Tells of the answer once all is taken that has come: it may be too large to be read by then. */
  #announce(): void {
    if (this.#done || this.#live === undefined) return
    if (this.#announced) return
    this.#announced = true
    if (this.#live.joinable) this.#tell({ kind: 'live', live: this.#live })
    else this.#finish('refused')
  }

  #finish(kind: Exclude<Followed['kind'], 'live'>): void {
    if (this.#done) return
    this.#done = true
    const live = this.#live
    live?.end(false)
    this.#tell(live?.joinable ? { kind: 'live', live } : { kind })
    this.#silence.end()
    this.#unwatch()
    this.#end()
  }

  #unwatch(): void {
    const leave = this.#leave
    this.#leave = undefined
    leave?.().catch(failed)
  }
}

function failed(error: unknown): void {
  publish('error', () => ({ during: 'cache follow', error }))
}

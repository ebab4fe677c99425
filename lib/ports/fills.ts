import type { Call } from '../deadline.ts'
import type { Batch } from './turns.ts'

/** One variant of one resource that is being made. */
export interface FillPlace {
  /** Key of the resource; its braces fix the slot. */
  readonly key: string
  /** Names the variant, as far as that is known before its answer: `''` where nothing is. */
  readonly variant: string
}

/** What a look has found where an answer is to stand. */
export interface SeenPlace {
  /** What the resource varied by, and the variant that was looked for under these names. */
  readonly vary: readonly string[]
  readonly variant: string
  /** Of the entry that stood there. */
  readonly head: Uint8Array | undefined
}

/** How a fill is to be taken. */
export interface FillClaim {
  /** Random; nobody else has it. */
  readonly token: string
  /** Channel on which the process that makes it hears that others wait for it. */
  readonly runner: string
  /** Milliseconds after which the fill counts as abandoned, unless it is renewed. */
  readonly leaseMs: number
  /** What the caller has seen there: where another entry stands by now, the answer is `kept`. */
  readonly seen?: SeenPlace | undefined
}

/**
 * What claiming found. `leading`: it is the caller's. `held`: another makes it, and is told that
 * somebody waits. `alone`: the last answer could not be shared; nobody waits for the next. `kept`:
 * since the caller looked something was kept there, or the resource has come to vary by other fields;
 * nothing was taken, and nobody told.
 */
export type Claimed =
  | { readonly kind: 'leading'; readonly since: number }
  | { readonly kind: 'held'; readonly token: string; readonly since: number }
  | { readonly kind: 'alone'; readonly since: number }
  | { readonly kind: 'kept'; readonly since: number }

/**
 * How a fill ends. `kept`: its answer is stored. `refused`: its answer must not be shared. `failed`:
 * there is no answer, and somebody else may make it.
 */
export type FillEnd = 'kept' | 'refused' | 'failed'

/** What has come of a fill. */
export interface FillView {
  /** `gone`: nobody holds it with this token, and how it ended is not known. */
  readonly state: 'running' | FillEnd | 'gone'
  /** Kept pieces after the number asked for. */
  readonly batches: readonly { readonly last: number; readonly bytes: Buffer }[]
}

/** Told of a fill while it runs. */
export interface FillListener {
  batch(batch: { readonly last: number; readonly bytes: Buffer }): void
  ended(how: FillEnd): void
}

/**
 * Answers that one process makes and others wait for: who makes one, and the pieces of it that have
 * come. Nothing is written of a fill that nobody waits for but its lease.
 */
export interface Fills {
  /**
   * Takes the fill where nobody has it, in one atomic step with what is seen of the entry; `since` is
   * the store's `Entries.clock()`. Who has the token leads, whatever was kept.
   */
  claim(place: FillPlace, claim: FillClaim, call?: Call): Promise<Claimed>
  /** Renews the lease. `watched`: somebody waits. `lost`: it is no longer the caller's. */
  renew(
    place: FillPlace,
    token: string,
    leaseMs: number,
    call?: Call,
  ): Promise<'held' | 'watched' | 'lost'>
  /**
   * Keeps a batch of pieces for those who come later, tells those who watch, and renews the lease. A
   * second sending of the same batch changes nothing. Of a fill at most 4 MiB are kept: the oldest
   * go. False: it is no longer the caller's.
   */
  write(
    place: FillPlace,
    token: string,
    batch: Batch,
    leaseMs: number,
    call?: Call,
  ): Promise<boolean>
  /**
   * Ends the fill and tells those who watch. What is kept of it goes after `keepMs`. After `refused`
   * nobody can take the fill, nor waits, for `aloneMs`. Not the caller's any more: nothing happens.
   */
  end(
    place: FillPlace,
    token: string,
    how: FillEnd,
    times: { readonly keepMs: number; readonly aloneMs: number },
    call?: Call,
  ): Promise<void>
  /**
   * What has come of a fill after a piece. Who watches first, then looks, misses nothing. How a fill
   * has ended that nobody waited for is not kept: it is gone.
   */
  look(place: FillPlace, token: string, after: number, call?: Call): Promise<FillView>
  /** Calls the listener until the function given back is called. A lost connection loses batches. */
  watch(
    place: FillPlace,
    token: string,
    listener: FillListener,
    call?: Call,
  ): Promise<() => Promise<void>>
  /** Calls the listener with the token of each fill of this runner that somebody waits for. */
  onWatched(
    runner: string,
    listener: (token: string) => void,
    call?: Call,
  ): Promise<() => Promise<void>>
}

import type { Call } from '../deadline.ts'
import type { SessionKeys } from '../keys.ts'
import type { AppendBounds, Forgotten, NewEntry, ReadResult, TurnRecord } from './history.ts'

/** Who holds a turn: only with the same token is anything written to it. */
export interface TurnHold {
  /** The encoded id of the message that the turn answers. */
  readonly turn: string
  /** Random; nobody else has it. */
  readonly token: string
}

/** How a turn is to be taken. */
export interface TurnClaim {
  readonly token: string
  /** Channel on which the process that answers hears of stops: `turnChannel()`. */
  readonly runner: string
  /** Milliseconds after which the turn counts as abandoned, unless it is renewed. */
  readonly leaseMs: number
  /** False where several turns of a session may run side by side. */
  readonly alone: boolean
}

/**
 * What beginning a turn found. Only `begun` stored anything.
 *
 * `begun`: the question is stored and the turn is the caller's; `again` when it was stored already
 * and nothing answers it. `running`: this question is being answered. `busy`: another is, and turns
 * run one by one. `lapsed`: whoever answered that turn has let its lease run out; end it as lapsed,
 * then begin again. `answered`: the answer is stored, `count` messages from position `first`.
 */
export type Begun =
  | {
      readonly kind: 'begun'
      readonly rev: number
      readonly seq: number
      readonly trimmed: number
      readonly created: boolean
      readonly again: boolean
    }
  | { readonly kind: 'running' | 'busy' | 'lapsed'; readonly record: TurnRecord }
  | { readonly kind: 'answered'; readonly first: number; readonly count: number }
  | Forgotten

/** Pieces of an answer, in the form their writer gave them. */
export interface Batch {
  /** Number of the last piece in it; pieces are counted from 1 in each turn. */
  readonly last: number
  readonly bytes: Uint8Array
}

/**
 * What became of a write to a turn. `lost`: it is no longer the caller's, because it was ended, taken
 * away, or its session deleted.
 */
export type Written = 'written' | 'stopping' | 'lost'

/** What became of the end of a turn. `held`: it was to be ended as lapsed, but its lease still runs. */
export type EndedTurn =
  | {
      readonly kind: 'ended'
      readonly rev: number
      readonly seq: number
      readonly added: number
      readonly duplicates: number
      readonly trimmed: number
    }
  | { readonly kind: 'lost' | 'held' }
  | Forgotten

/** What a turn has come to. */
export interface TurnView {
  /** `undefined` where nothing is known of the turn: never begun, or long ended. */
  readonly record: TurnRecord | undefined
  /** Whether its lease still runs, by the store's own clock. */
  readonly live: boolean
  /** Kept pieces after the number asked for; the first batch may begin before it. */
  readonly batches: readonly { readonly last: number; readonly bytes: Buffer }[]
}

/** Told of a turn while it runs. */
export interface TurnListener {
  batch(batch: { readonly last: number; readonly bytes: Buffer }): void
  /** It has ended: its answer is stored. */
  ended(): void
}

/**
 * Turns: a question, an answer that grows, and its end. Of each session records are kept of up to 16
 * turns that run, and of the last 16 that have lately ended; the pieces of an answer are kept apart
 * from it until the turn is ended and for `keepMs` afterwards; where nobody ends it, as long as its
 * session.
 */
export interface Turns {
  /**
   * Appends the question and takes the turn, in one atomic step; in the same round trip the newest
   * `limit` messages are read, after that step, with what is known of the session: of its turns, those
   * that run.
   */
  begin(
    keys: SessionKeys,
    question: NewEntry,
    claim: TurnClaim,
    bounds: AppendBounds,
    limit: number,
    call?: Call,
  ): Promise<{ readonly begun: Begun; readonly read: ReadResult }>
  /**
   * Keeps a batch, tells those who watch, and renews the lease; without a batch it only renews. A
   * second sending of the same batch changes nothing.
   */
  write(
    keys: SessionKeys,
    hold: TurnHold,
    batch: Batch | undefined,
    times: { readonly leaseMs: number; readonly keepMs: number },
    call?: Call,
  ): Promise<Written>
  /**
   * Appends the answer and ends the turn, in one atomic step; notes with the question where its
   * answer is, tells those who watch, and lets the kept pieces go after `keepMs`. A second end with
   * the same token and messages finds them as duplicates. `lapsed` ends a turn of somebody else whose
   * lease has run out.
   */
  end(
    keys: SessionKeys,
    hold: TurnHold,
    answer: readonly NewEntry[],
    bounds: AppendBounds,
    how: { readonly lapsed: boolean; readonly keepMs: number },
    call?: Call,
  ): Promise<EndedTurn>
  /** Asks those who answer to stop: all running turns, or one. Gives those it has asked. */
  stop(keys: SessionKeys, turn: string | undefined, call?: Call): Promise<readonly TurnRecord[]>
  /**
   * What has come of a turn after a piece; where none is named, of the last in the session's order.
   * For `watchMs` from now each batch goes to those who watch as well: who watches first, then looks,
   * misses none.
   */
  look(
    keys: SessionKeys,
    turn: string | undefined,
    after: number,
    watchMs: number,
    call?: Call,
  ): Promise<TurnView>
  /** Calls the listener until the function given back is called. A lost connection loses batches. */
  watch(
    keys: SessionKeys,
    turn: string,
    listener: TurnListener,
    call?: Call,
  ): Promise<() => Promise<void>>
  /** Calls the listener with the token of each turn of this runner that is to stop. */
  onStop(
    runner: string,
    listener: (token: string) => void,
    call?: Call,
  ): Promise<() => Promise<void>>
}

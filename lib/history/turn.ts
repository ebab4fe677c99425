import type { StoredAnswer } from './answer-entries.ts'
import type { Memory } from './memory.ts'
import type { AnyMessage } from './message.ts'
import type { RelayOptions } from './relay.ts'
import type { ReplyTarget } from './reply-target.ts'
import type { Chunk } from './stream/chunk.ts'
import type { AnswerSource } from './stream/source.ts'

/** What an answer may be made of. */
export type TurnSource = AnswerSource | string

/**
 * A question that is stored, and its answer that is to come. It ends by `pipe()`, `commit()` or
 * `abort()`, once; until then no other turn of the conversation begins, unless they may interleave.
 */
export interface Turn {
  /** The question's id. */
  readonly id: string
  /**
   * The stored answer to this very question, asked before: hand it on by `pipe()` and do not ask
   * the model again. Its `status` tells where it is not whole.
   */
  readonly replay: StoredAnswer | undefined
  /** All messages of that answer; `replay` is the last. */
  readonly replies: readonly StoredAnswer[]
  /** Another request answers this very question: hand its answer on by `pipe()` or `reply()`. */
  readonly joined: boolean
  /** Pieces could not be kept, or the turn goes on without the store. */
  readonly degraded: boolean
  /** Aborted when somebody stops the turn, in any process, and when it is no longer this one's. */
  readonly signal: AbortSignal
  /** What to hand to a model, as it was when the turn began; the question is its end. */
  readonly context: Memory['context']
  /** Adds to the answer: text, or a piece of it. @throws UsageError after the end */
  write(delta: string | Chunk): void
  /**
   * Sends the answer to a client as it comes, keeps it meanwhile, and ends the turn. Gives the
   * stored answer; `undefined` where nothing was said. A client that goes away changes nothing.
   *
   * Takes the stream of a model's provider as it is; nothing where there is `replay` or `joined`.
   *
   * @throws the source's error, after what came of it was stored as `interrupted`; StoreError 409
   * where the turn is gone.
   */
  pipe(
    source: TurnSource | undefined,
    target: ReplyTarget,
    options?: RelayOptions,
  ): Promise<StoredAnswer | undefined>
  /**
   * Stores the answer, or what was written of it, and ends the turn.
   *
   * @throws UsageError where it has ended; StoreError 409 where the turn is gone.
   */
  commit(reply?: AnyMessage | readonly AnyMessage[]): Promise<StoredAnswer | undefined>
  /** Stores what was written as `aborted`, and ends the turn. @throws as `commit()` */
  abort(reason?: unknown): Promise<StoredAnswer | undefined>
  /** The stored answer, once it is there. */
  reply(): Promise<StoredAnswer | undefined>
}

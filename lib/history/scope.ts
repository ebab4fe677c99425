import type { Deadline } from '../deadline.ts'
import type { Fields } from '../ports/fields.ts'
import type { HistoryLog } from '../ports/history.ts'
import type { Turns } from '../ports/turns.ts'
import type { Serializer } from '../serializer.ts'
import type { Ahead } from './ahead.ts'
import type { Codec } from './codec.ts'
import type { Continuation } from './continuation.ts'
import type { MessageRules, StoredMessage } from './message.ts'
import type { Turn } from './turn.ts'
import type { WindowSize } from './window.ts'

/** What becomes of a turn while another runs: it waits, is refused, or runs beside it. */
export type TurnMode = 'queue' | 'reject' | 'interleave'

/** What all sessions of a mount share. */
export interface MemoryRules extends MessageRules {
  readonly history: HistoryLog
  readonly turns: Turns
  readonly fields: Fields
  readonly serializer: Serializer
  readonly continuation: Continuation
  /** False where a store that is away is an error. */
  readonly goesOn: boolean
  readonly ttlMs: number | undefined
  readonly maxStored: number
  /** What becomes of a turn while another runs. */
  readonly turnMode: TurnMode
  readonly window: WindowSize
  readonly title: TitleRule
  /** Sessions a user may have; above it those go that were not active for longest. */
  readonly maxSessions: number | undefined
  readonly summarize: Summarize | undefined
  /** Of signed-in users' preferences; `undefined` keeps them. */
  readonly preferencesTtlMs: number | undefined
}

/** How a session gets its first title. */
type TitleRule = 'first-message' | false | TitleOf

/** Titles a session by its first messages, the first answer among them. */
export type TitleOf = (messages: readonly StoredMessage[]) => string | Promise<string>

/**
 * Sums up messages that no longer fit into what is handed to a model, together with the summary of
 * those before them. `signal` fires when its time is over.
 */
export type Summarize = (
  dropped: readonly StoredMessage[],
  previous: string | undefined,
  signal: AbortSignal,
) => string | Promise<string>

/** Who asks, in one request. */
export interface MemoryScope {
  /** Encoded. */
  readonly owner: string
  readonly user: string
  readonly codec: Codec
  /** The owner that the request's guest cookie stands for, whoever is signed in. */
  readonly guest: string | undefined
  readonly deadline: Deadline
  /** Encodes an id the client may have chosen. */
  encodeSession(id: unknown): string
  /** Told of each turn that this request is to answer. */
  began?(turn: Pick<Turn, 'abort' | 'reply'>): void
  /** Set once something went on without the store. */
  degraded: boolean
  /** What was read before it was asked for; taken back by whoever writes. */
  ahead?: Ahead | undefined
  /** Takes the guest's cookie back, where the response has not begun. */
  endGuest(): void
}

import type { Deadline } from '../deadline.ts'
import type { Fields } from '../ports/fields.ts'
import type { HistoryLog } from '../ports/history.ts'
import type { Turns } from '../ports/turns.ts'
import type { Serializer } from '../serializer.ts'
import type { Codec } from './codec.ts'
import type { Continuation } from './continuation.ts'
import type { MessageRules } from './message.ts'
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
  readonly title: boolean
}

/** Who asks, in one request. */
export interface MemoryScope {
  /** Encoded. */
  readonly owner: string
  readonly user: string
  readonly codec: Codec
  readonly deadline: Deadline
  /** Encodes an id the client may have chosen. */
  readonly encodeSession: (id: unknown) => string
  /** Told of each turn that this request is to answer. */
  readonly began?: ((turn: Pick<Turn, 'abort'>) => void) | undefined
  /** Set once something went on without the store. */
  degraded: boolean
}

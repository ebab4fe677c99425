import type { TurnHold } from '../ports/turns.ts'
import type { Turn } from './turn.ts'
import type { Keeping, KeepingEvents } from './turn-keeping.ts'
import type { Conversation } from './turn-start.ts'

/** What a turn of this process is made of. */
export interface OwnTurnParts {
  readonly conversation: Conversation
  readonly hold: TurnHold
  readonly degraded: boolean
  readonly context: Turn['context']
  /** Stops the turn as well. */
  readonly signal: AbortSignal | undefined
  keep(events: KeepingEvents): Keeping
}

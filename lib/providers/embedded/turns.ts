import type { PubSub } from '../../ports/pub-sub.ts'
import type { Turns } from '../../ports/turns.ts'
import type { Conversations } from './history.ts'

/** Turns of conversations. */
export function embeddedTurns(_: Conversations, _bus: PubSub): Turns {
  return {} as never
}

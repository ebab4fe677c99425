import type { Keyspace } from './keyspace.ts'
import type { SessionShelf } from './session-shelf.ts'
import type { Tombs } from './tombs.ts'

/** What the ports of conversations share. */
export interface Conversations {
  readonly sessions: SessionShelf
  readonly keyspace: Keyspace
  readonly tombs: Tombs
}

/** When what is kept for so long from now ends. */
export function endOf(ttlMs: number | undefined, now: number): number {
  return now + (ttlMs ?? Number.POSITIVE_INFINITY)
}

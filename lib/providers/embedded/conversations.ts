import type { ListCursor } from '../../ports/history.ts'
import type { Keyspace } from './keyspace.ts'
import type { SessionCell } from './session.ts'
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

/** Where a listing stands after a session. */
export function cursorOf({ keys, updatedAt }: SessionCell): ListCursor {
  return { at: updatedAt, id: keys.id }
}

/** The order in which sessions are listed. */
export function lastActiveFirst(one: SessionCell, other: SessionCell): number {
  return order(cursorOf(one), cursorOf(other))
}

/** Last active first; of the same millisecond, the greater id first. */
export function order(one: ListCursor, other: ListCursor): number {
  if (one.at !== other.at) return other.at - one.at
  return one.id === other.id ? 0 : one.id < other.id ? 1 : -1
}

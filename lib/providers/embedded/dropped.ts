import { turnKey } from '../../keys.ts'
import type { TurnRecord } from '../../ports/history.ts'
import type { PubSub } from '../../ports/pub-sub.ts'
import type { Conversations } from './conversations.ts'
import type { SessionCell } from './session.ts'

/** Removes a session with all that hangs on it. */
export function dropSession(
  conversations: Conversations,
  bus: PubSub,
  { keys, turns }: SessionCell,
): void {
  conversations.sessions.delete(keys.session)
  dropTurns(conversations, bus, keys.session, turns)
}

/** Removes what turns have kept, and tells those who answer to stop. */
export function dropTurns(
  { keyspace }: Conversations,
  bus: PubSub,
  session: string,
  turns: readonly TurnRecord[],
): void {
  for (const { turn, token, runner, state } of turns) {
    keyspace.remove(turnKey({ session }, turn))
    if (state !== 'ended') void bus.publish(runner, Buffer.from(token))
  }
}

import { type SessionKeys, sessionKeys } from '../keys.ts'
import type { ReadResult } from '../ports/history.ts'
import type { MemoryRules, MemoryScope } from './scope.ts'
import { SessionLog } from './session-log.ts'

/** The window of a session, which was read before the handler asked for it. */
export interface Ahead {
  /** Key of the session. */
  readonly session: string
  readonly read: Promise<ReadResult>
}

/**
 * Begins to read the window of a conversation, for the first `context()` of it within this request.
 * What fails is told to who asks.
 *
 * @throws RequestError 400 for an id that can name nothing.
 */
export function readAhead(rules: MemoryRules, scope: MemoryScope, id: string): void {
  const keys = sessionKeys(scope.owner, scope.encodeSession(id))
  const read = new SessionLog(rules, scope, keys).read(rules.window.messages)
  read.catch(() => undefined)
  scope.ahead = { session: keys.session, read }
}

/** What was read ahead of a session, once; nothing after something of the request was written. */
export function takeAhead(
  scope: MemoryScope,
  { session }: SessionKeys,
): Promise<ReadResult> | undefined {
  if (scope.ahead?.session !== session) return undefined
  const { read } = scope.ahead
  scope.ahead = undefined
  return read
}

import type { SessionKeys } from '../keys.ts'
import type { NewEntry } from '../ports/history.ts'
import { publish } from '../telemetry.ts'
import type { Codec } from './codec.ts'
import type { MemoryRules } from './scope.ts'
import { summarizeDropped } from './summary.ts'
import { titleFirstAnswer } from './title.ts'

/** What a write added to a session. */
export interface Growth {
  /** Position of the newest message. */
  readonly seq: number
  /** How many messages were not there before. */
  readonly added: number
  /** All that were to be written. */
  readonly entries: readonly Pick<NewEntry, 'role'>[]
}

/**
 * Does what is to be done after messages were stored, while the caller goes on: drops sessions above
 * `maxSessions`, titles the session, and sums up what has left the window. What fails is published.
 */
export function afterAppend(
  rules: MemoryRules,
  codec: Codec,
  keys: SessionKeys,
  growth: Growth,
): void {
  const { seq, added } = growth
  if (added === 0) return
  // Named values may have made the session before.
  ifCreated(rules, keys, seq === added)
  const { title, summarize } = rules
  if (typeof title === 'function')
    apart('title', () => titleFirstAnswer({ ...rules, title }, codec, keys, growth))
  if (summarize !== undefined)
    apart('summarize', () => summarizeDropped({ ...rules, summarize }, codec, keys, seq))
}

/** Drops the sessions above `maxSessions` where one was made, while the caller goes on. */
export function ifCreated(
  { maxSessions, history }: Pick<MemoryRules, 'maxSessions' | 'history'>,
  keys: SessionKeys,
  created: boolean,
): void {
  if (maxSessions === undefined || !created) return
  apart('shrink', () => history.shrink(keys, maxSessions))
}

function apart(during: string, task: () => Promise<unknown>): void {
  task().catch((error: unknown) => publish('error', () => ({ during, error })))
}

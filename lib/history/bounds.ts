import type { AppendBounds, NewEntry } from '../ports/history.ts'
import type { Codec } from './codec.ts'
import { type AnyMessage, textOf } from './message.ts'
import type { MemoryRules } from './scope.ts'

/** Messages that stay when a session is trimmed. */
export function kept({ maxStored }: MemoryRules): number {
  return Math.max(1, Math.floor((maxStored * 3) / 4))
}

/** How an append of these entries is bounded; the messages they were made of may title the session. */
export function boundsOf(
  rules: MemoryRules,
  codec: Codec,
  entries: readonly NewEntry[],
  messages: readonly AnyMessage[],
  ifRev?: number,
): AppendBounds {
  const { ttlMs, maxStored, title } = rules
  const said = title === 'first-message' ? entries.findIndex(({ role }) => role === 'u') : -1
  const first = messages[said]
  const text = first && textOf(first).replace(/\s+/g, ' ').trim().slice(0, 80).toWellFormed()
  return {
    ttlMs,
    max: maxStored,
    keep: kept(rules),
    ifRev,
    title: text ? codec.encode('~title', text) : undefined,
  }
}

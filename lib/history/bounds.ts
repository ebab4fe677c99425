import type { AppendBounds } from '../ports/history.ts'
import type { Codec } from './codec.ts'
import { type Message, textOf } from './message.ts'
import type { MemoryRules } from './scope.ts'

/** Messages that stay when a session is trimmed. */
export function kept({ maxStored }: MemoryRules): number {
  return Math.max(1, Math.floor((maxStored * 3) / 4))
}

/** How an append of these messages is bounded. */
export function boundsOf(
  rules: MemoryRules,
  codec: Codec,
  messages: readonly Message[],
  ifRev?: number,
): AppendBounds {
  const { ttlMs, maxStored, title } = rules
  const first = title === 'first-message' ? messages.find(({ role }) => role === 'user') : undefined
  const text = first && textOf(first).replace(/\s+/g, ' ').trim().slice(0, 80).toWellFormed()
  return {
    ttlMs,
    max: maxStored,
    keep: kept(rules),
    ifRev,
    title: text ? codec.encode('~title', text) : undefined,
  }
}

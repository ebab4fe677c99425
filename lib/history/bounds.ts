import type { AppendBounds, NewEntry } from '../ports/history.ts'
import type { Codec } from './codec.ts'
import { type AnyMessage, textOf } from './message.ts'
import type { MemoryRules } from './scope.ts'

/** Messages that stay when a session is trimmed. */
export function kept({ maxStored }: MemoryRules): number {
  return Math.max(1, Math.floor((maxStored * 3) / 4))
}

/** How an append is bounded; `firstSaid` titles a session without a title. */
export function boundsOf(
  rules: MemoryRules,
  codec: Codec,
  firstSaid = '',
  ifRev?: number,
): AppendBounds {
  const { ttlMs, maxStored, title } = rules
  return {
    ttlMs,
    max: maxStored,
    keep: kept(rules),
    ifRev,
    title:
      title === 'first-message' && firstSaid !== '' ? codec.encode('~title', firstSaid) : undefined,
  }
}

/** The first thing that a user says: one line of at most 80 characters. */
export function titleOf(messages: readonly AnyMessage[], entries: readonly NewEntry[]): string {
  const first = messages[entries.findIndex(({ role }) => role === 'u')]
  return first ? oneLine(textOf(first)).slice(0, longestTitle).toWellFormed() : ''
}

const longestTitle = 80

/** Space that is more than one blank between words. */
const uneven = /\s\s|[^\S ]/

/** The text with its space collapsed, as far as a title reaches: it may be as long as a book. */
function oneLine(text: string): string {
  for (let reach = 2 * longestTitle; ; reach *= 4) {
    const start = text.slice(0, reach).trim()
    const line = uneven.test(start) ? start.replace(/\s+/g, ' ') : start
    if (line.length >= longestTitle || reach >= text.length) return line
  }
}

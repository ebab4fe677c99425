import { codecOf } from '../../lib/history/codec.ts'
import { type Context, contextOf, type Forms, wholeContextOf } from '../../lib/history/context.ts'
import { textOf, toEntry } from '../../lib/history/message.ts'
import { type AnyMessage, type Entry, json, type ReadResult } from '../../lib/index.ts'

/** The codec of the messages of a log. */
export const codec = codecOf(json, 'ann')

/** Counts a token for each message, and one for each of its characters. */
const rules = {
  maxBytes: 1_000_000,
  count: (message: AnyMessage) => 1 + textOf(message).length,
}

/** A session as a store would give it, without one. */
export interface StoredLog {
  readonly entries: readonly Entry[]
  read(limit: number): ReadResult
}

/** What the application has set for a session. */
export interface LogSettings {
  /** How many of the oldest messages are gone. @default 0 */
  readonly trimmed?: number
  /** @default none */
  readonly summary?: string
}

/** Appends messages to a log of a test's own. Messages whose id is there already are left out. */
export function storedLog(
  messages: readonly AnyMessage[],
  { trimmed = 0, summary }: LogSettings = {},
): StoredLog {
  const entries = new Map<string, Entry>()
  for (const message of messages) {
    const entry = toEntry(message, rules, codec)
    const payload = Buffer.from(entry.payload)
    if (!entries.has(entry.id)) entries.set(entry.id, { ...entry, payload, seq: entries.size + 1 })
  }
  const all = [...entries.values()]
  const kept = all.slice(trimmed)
  const meta = {
    rev: 1,
    seq: all.length,
    length: kept.length,
    tokens: 0,
    createdAt: 1,
    updatedAt: 1,
    title: undefined,
    system: all.findLast(({ role }) => role === 's' || role === 'd'),
    pinned: false,
    meta: undefined,
    summary:
      summary === undefined
        ? undefined
        : { through: trimmed, payload: Buffer.from(codec.encode('~summary', summary)) },
    turns: [],
  }
  return {
    entries: kept,
    read: (limit) => ({ meta: all.length > 0 ? meta : undefined, entries: kept.slice(-limit) }),
  }
}

/** What `context()` gives of a log, in one read or in two. */
export function contextOfLog<As extends keyof Forms>(
  log: StoredLog,
  as: As,
  { messages = 20, tokens }: { messages?: number; tokens?: number | undefined } = {},
): Context<As> {
  const size = { messages, tokens, count: rules.count }
  const found = contextOf(log.read(messages), codec, size, as)
  return found ?? wholeContextOf(log.read(Number.MAX_SAFE_INTEGER), codec, size, as)
}

import type { Entry } from '../ports/history.ts'

/** How much of a conversation is handed to a model. */
export interface WindowSize {
  /** Messages at most. */
  readonly messages: number
  /** Tokens at most; `undefined` for no bound. */
  readonly tokens: number | undefined
}

/** What takes a part of the tokens, and where the log begins. */
export interface WindowNeeds {
  /** Position of the oldest message that is kept. */
  readonly oldest: number
  /** The system message: counted where the window begins behind it. */
  readonly system: Pick<Entry, 'seq' | 'tokens'> | undefined
  /** Tokens of the summary: counted where the window begins behind the start of the conversation. */
  readonly summary: number
}

/**
 * Cuts the window out of the newest entries: it begins with a turn, so that a model never sees an
 * answer without its question, nor a tool's result without its call.
 *
 * The head moves in steps of two fifths, so that a provider's prompt cache survives most turns: a
 * window of 20 holds 13 to 20 messages. The newest turn stays whole, however long it is, but for a
 * user who has said more in a row than fits. Gives `undefined` when that turn begins before the
 * entries do.
 */
export function cutWindow(
  entries: readonly Entry[],
  { messages, tokens }: WindowSize,
  needs: WindowNeeds = { oldest: 1, system: undefined, summary: 0 },
): readonly Entry[] | undefined {
  const newest = entries.at(-1)
  if (newest === undefined) return entries
  const { oldest } = needs
  const turns = turnStarts(entries)
  const latest = turns.at(-1)
  const head = headSeq(newest.seq, messages)
  const whole = head <= oldest && entries[0]?.seq === oldest
  const from = whole ? 0 : (turns.find((at) => (entries[at]?.seq ?? 0) >= head) ?? latest)
  if (from === undefined) return undefined
  // Of a user who speaks on and on the newest messages are enough.
  const run = from === latest ? questionsAt(entries, from) : 0
  if (run >= messages && !whole) return entries.slice(within(entries, from, run, head))
  // Whether the user had said something before the first entry, nobody knows.
  if (from === 0 && latest === 0 && (entries[0]?.seq ?? 0) > oldest) return undefined
  const start = tokens === undefined ? from : fitting(entries, turns, from, tokens, needs)
  return entries.slice(start)
}

/**
 * A conversation in which no user has spoken has no turn to begin with: the newest messages, but no
 * result of a tool first.
 */
export function windowWithoutTurns(
  entries: readonly Entry[],
  { messages }: WindowSize,
): readonly Entry[] {
  const newest = entries.slice(-messages)
  const start = newest.findIndex(({ role }) => role !== 't')
  return start < 0 ? [] : newest.slice(start)
}

/** Sequence number at which the window begins, before it is moved to a turn. */
function headSeq(newest: number, messages: number): number {
  const step = Math.max(1, Math.floor((messages * 2) / 5))
  const earliest = newest - messages + 1
  return earliest <= 1 ? 1 : Math.ceil((earliest - 1) / step) * step + 1
}

/** Drops the oldest turns until the tokens fit; the newest turn stays. */
function fitting(
  entries: readonly Entry[],
  turns: readonly number[],
  from: number,
  tokens: number,
  { system, summary }: WindowNeeds,
): number {
  let left = sum(entries, from, entries.length)
  let start = from
  for (const turn of turns) {
    const first = entries[start]?.seq ?? 1
    const before = system && system.seq < first ? system.tokens : 0
    if (left + before + (first > 1 ? summary : 0) <= tokens) break
    if (turn <= start) continue
    left -= sum(entries, start, turn)
    start = turn
  }
  return start
}

/** The place in a run from where on it fits; of a long answer to it, the last. */
function within(entries: readonly Entry[], from: number, run: number, head: number): number {
  const last = from + run - 1
  const found = entries.findIndex(({ seq }, at) => at >= from && seq >= head)
  return found < 0 ? last : Math.min(found, last)
}

/** How many messages of the user in a row stand at a place. */
function questionsAt(entries: readonly Entry[], from: number): number {
  const end = entries.findIndex(({ role }, at) => at > from && role !== 'u')
  return (end < 0 ? entries.length : end) - from
}

function turnStarts(entries: readonly Entry[]): number[] {
  const starts: number[] = []
  let before: Entry['role'] | undefined
  for (let at = 0; at < entries.length; at += 1) {
    const role = entries[at]?.role
    if (role === 'u' && before !== 'u') starts.push(at)
    before = role
  }
  return starts
}

function sum(entries: readonly Entry[], from: number, to: number): number {
  let total = 0
  for (let at = from; at < to; at += 1) total += entries[at]?.tokens ?? 0
  return total
}

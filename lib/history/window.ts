import type { Entry } from '../ports/history.ts'

/** How much of a conversation is handed to a model. */
export interface WindowSize {
  /** Messages at most. */
  readonly messages: number
  /** Tokens at most; `undefined` for no bound. */
  readonly tokens: number | undefined
}

/**
 * Cuts the window out of the newest entries: it begins with a turn, so that a model never sees an
 * answer without its question.
 *
 * The head moves in steps of two fifths, so that a provider's prompt cache survives most turns: a
 * window of 20 holds 13 to 20 messages. The newest turn stays whole, however long it is. Gives
 * `undefined` when that turn begins before the entries do.
 */
export function cutWindow(
  entries: readonly Entry[],
  { messages, tokens }: WindowSize,
  reservedTokens = 0,
): readonly Entry[] | undefined {
  const newest = entries.at(-1)
  if (newest === undefined) return entries
  const turns = turnStarts(entries)
  const latest = turns.at(-1)
  const head = headSeq(newest.seq, messages)
  if (head <= 1 && entries[0]?.seq === 1)
    return fitTokens(entries, turns, 0, tokens, reservedTokens)
  const from = turns.find((at) => (entries[at]?.seq ?? 0) >= head) ?? latest
  if (from === undefined) return undefined
  return fitTokens(entries, turns, from, tokens, reservedTokens)
}

/** Sequence number at which the window begins, before it is moved to a turn. */
function headSeq(newest: number, messages: number): number {
  const step = Math.max(1, Math.floor((messages * 2) / 5))
  const earliest = newest - messages + 1
  return earliest <= 1 ? 1 : Math.ceil((earliest - 1) / step) * step + 1
}

/** Drops the oldest turns until the tokens fit; the newest turn stays. */
function fitTokens(
  entries: readonly Entry[],
  turns: readonly number[],
  from: number,
  tokens: number | undefined,
  reserved: number,
): readonly Entry[] {
  if (tokens === undefined) return entries.slice(from)
  let total = reserved + sum(entries, from, entries.length)
  let start = from
  for (const turn of turns) {
    if (total <= tokens) break
    if (turn <= start) continue
    total -= sum(entries, start, turn)
    start = turn
  }
  return entries.slice(start)
}

function turnStarts(entries: readonly Entry[]): number[] {
  return entries.flatMap(({ role }, at) =>
    role === 'u' && entries[at - 1]?.role !== 'u' ? [at] : [],
  )
}

function sum(entries: readonly Entry[], from: number, to: number): number {
  return entries.slice(from, to).reduce((total, { tokens }) => total + tokens, 0)
}

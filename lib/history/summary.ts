import { RequestError } from '../errors.ts'
import type { SessionKeys } from '../keys.ts'
import type { Entry, ReadResult, SessionMeta } from '../ports/history.ts'
import { keepAfterthought } from './afterthought.ts'
import type { Codec } from './codec.ts'
import { headOf } from './context.ts'
import { toMessage } from './message.ts'
import type { MemoryRules, Summarize } from './scope.ts'
import { withinMs } from './within.ts'

type Rules = MemoryRules & { readonly summarize: Summarize }

const longestMs = 60_000
const pageLength = 100

const underWay = new WeakMap<object, Set<string>>()

/**
 * Sums up the messages that have left the window since the last summary. One at a time of a session in
 * this process; what fails is tried again at the next append.
 */
export async function summarizeDropped(
  rules: Rules,
  codec: Codec,
  keys: SessionKeys,
  seq: number,
): Promise<void> {
  const { history, window } = rules
  if (seq <= window.messages && window.tokens === undefined) return
  const sessions = underWay.get(history) ?? new Set<string>()
  underWay.set(history, sessions)
  if (sessions.has(keys.session)) return
  sessions.add(keys.session)
  try {
    await extendSummary(rules, codec, keys)
  } finally {
    sessions.delete(keys.session)
  }
}

async function extendSummary(rules: Rules, codec: Codec, keys: SessionKeys): Promise<void> {
  const { head, meta } = await windowHead(rules, codec, keys)
  if (meta === undefined || head === undefined) return
  const after = meta.summary?.through ?? 0
  const dropped = await between(rules, keys, Math.max(after, meta.seq - meta.length), head)
  const last = dropped.at(-1)
  if (last === undefined) return
  const previous = meta.summary && String(codec.decode('~summary', meta.summary.payload))
  const messages = dropped.map((entry) => toMessage(entry, codec))
  const text = await withinMs(longestMs, 'The summary', async (signal) =>
    rules.summarize(messages, previous, signal),
  )
  const summary = { through: last.seq, after, payload: stored(rules, codec, text) }
  await keepAfterthought(rules, keys, last, { summary })
}

/** Position at which the window begins. */
async function windowHead(
  { history, window, count, maxStored }: Rules,
  codec: Codec,
  keys: SessionKeys,
): Promise<{ readonly head: number | undefined; readonly meta: SessionMeta | undefined }> {
  const read = (limit: number) => history.read(keys, { limit, before: undefined, ttlMs: undefined })
  const size = { ...window, count }
  const cut = (found: ReadResult) => ({ head: headOf(found, codec, size), meta: found.meta })
  const short = cut(await read(window.messages))
  return short.head === undefined ? cut(await read(2 * maxStored)) : short
}

/** Messages after a position and before another, oldest first. */
async function between(
  { history }: Rules,
  keys: SessionKeys,
  after: number,
  head: number,
): Promise<Entry[]> {
  const found: Entry[] = []
  for (let from = after + 1; from < head; from += pageLength) {
    const before = Math.min(from + pageLength, head)
    const { entries } = await history.read(keys, { limit: before - from, before, ttlMs: undefined })
    found.push(...entries.filter(({ seq }) => seq >= from))
  }
  return found
}

function stored({ maxBytes }: Rules, codec: Codec, text: unknown): Uint8Array {
  if (typeof text !== 'string' || text === '')
    throw new TypeError(`summarize() must give text, got ${text === '' ? 'none' : typeof text}`)
  const payload = codec.encode('~summary', text)
  if (payload.byteLength > maxBytes)
    throw new RequestError(413, `A summary must be at most ${maxBytes} bytes`)
  return payload
}

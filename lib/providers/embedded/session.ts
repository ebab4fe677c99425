import type { SessionKeys } from '../../keys.ts'
import type { AppendBounds, Entry, NewEntry, SessionMeta, TurnRecord } from '../../ports/history.ts'
import { type KeptMessage, Messages, messageSize } from './messages.ts'
import { type Packed, pack, unpack } from './packed.ts'
import { trimmed } from './trim.ts'
import { isLive } from './turn-records.ts'

/** A conversation; each change makes a new one. */
export interface SessionCell {
  readonly kind: 'session'
  readonly bytes: number
  readonly keys: SessionKeys
  readonly rev: number
  readonly seq: number
  readonly tokens: number
  readonly createdAt: number
  readonly updatedAt: number
  readonly title: Packed | undefined
  readonly system: KeptMessage | undefined
  readonly messages: Messages
  readonly pinned: boolean
  readonly meta: Packed | undefined
  readonly summary: { readonly through: number; readonly packed: Packed } | undefined
  readonly turns: readonly TurnRecord[]
}

/** The session after an append, and what the append did. */
export interface Change {
  readonly session: SessionCell
  readonly added: number
  readonly trimmed: number
}

// Objects and strings of a session, and of a turn's record, on Node 20.
const sessionBytes = 1400
const recordBytes = 300

/**
 * Adds what is not there yet and trims at a turn; `undefined` when nothing was added. A question that
 * is being answered stays, and so does the one named by `answering`.
 */
export function extended(
  session: SessionCell | undefined,
  keys: SessionKeys,
  entries: readonly NewEntry[],
  { max, keep, title }: Pick<AppendBounds, 'max' | 'keep' | 'title'>,
  now: number,
  answering?: string,
): Change | undefined {
  const kept = session?.messages ?? Messages.of([])
  const fresh = distinct(kept, entries, session?.seq ?? 0)
  if (fresh.length === 0) return undefined
  const all = kept.with(fresh)
  const turns = session?.turns ?? []
  const running = turns.filter((turn) => turn.turn === answering || isLive(turn, now))
  const stays = new Set(running.map(({ turn }) => turn))
  const messages = all.length > max ? Messages.of(trimmed(all.all(), { max, keep }, stays)) : all
  return {
    session: cellOf({
      keys,
      rev: (session?.rev ?? 0) + 1,
      seq: fresh.at(-1)?.seq ?? 0,
      createdAt: session?.createdAt ?? now,
      updatedAt: now,
      title: session?.title ?? (title?.byteLength ? pack(title) : undefined),
      system: fresh.findLast(isSystem) ?? session?.system,
      messages,
      pinned: session?.pinned ?? false,
      meta: session?.meta,
      summary: session?.summary,
      turns,
    }),
    added: fresh.length,
    trimmed: all.length - messages.length,
  }
}

/** The session with other records of turns. */
export function withTurns(session: SessionCell, turns: readonly TurnRecord[]): SessionCell {
  const more = (turns.length - session.turns.length) * recordBytes
  return made(session, { messages: session.messages, turns }, session.bytes + more)
}

/** The session with a note, at a question, of where its answer is: what was added after a position. */
export function withAnswer(
  session: SessionCell,
  question: string,
  answer: readonly { readonly id: string }[],
  before: number,
): SessionCell {
  const { messages } = session
  const known = answer.flatMap(({ id }) => messages.find(id)?.seq ?? [])
  const added = known.filter((seq) => seq > before)
  const found = added.length > 0 ? added : known
  const asked = messages.find(question)
  if (asked === undefined || found.length === 0) return session
  const answered = { first: Math.min(...found), count: found.length }
  const { seq, id, role, tokens, packed } = asked
  const noted = messages.replaced({ seq, id, role, tokens, packed, answer: answered })
  return made(session, { messages: noted, turns: session.turns }, session.bytes)
}

/** The cell of a session of these parts. */
export function cellOf(parts: Omit<SessionCell, 'kind' | 'bytes' | 'tokens'>): SessionCell {
  return made(parts, parts, sizeOfParts(parts))
}

/** Named one by one: of a copy by `...`, V8 makes a hidden class each time, on Node 20. */
function made(
  from: Omit<SessionCell, 'kind' | 'bytes' | 'tokens'>,
  { messages, turns }: Pick<SessionCell, 'messages' | 'turns'>,
  bytes: number,
): SessionCell {
  return {
    kind: 'session',
    bytes,
    keys: from.keys,
    rev: from.rev,
    seq: from.seq,
    tokens: messages.tokens,
    createdAt: from.createdAt,
    updatedAt: from.updatedAt,
    title: from.title,
    system: from.system,
    messages,
    pinned: from.pinned,
    meta: from.meta,
    summary: from.summary,
    turns,
  }
}

/** A session without messages, which a first change makes. */
export function emptySession(keys: SessionKeys, now: number): SessionCell {
  return cellOf({
    keys,
    rev: 0,
    seq: 0,
    createdAt: now,
    updatedAt: now,
    title: undefined,
    system: undefined,
    messages: Messages.of([]),
    pinned: false,
    meta: undefined,
    summary: undefined,
    turns: [],
  })
}

/** Whether a message tells the model how to behave. */
export function isSystem({ role }: Pick<NewEntry, 'role'>): boolean {
  return role === 's' || role === 'd'
}

/** What is known of a session without its messages. */
export function metaOf(
  session: SessionCell,
  turns: readonly TurnRecord[] = session.turns,
): SessionMeta {
  const { rev, seq, tokens, createdAt, updatedAt, title, system, messages } = session
  const { pinned, meta, summary } = session
  return {
    rev,
    seq,
    length: messages.length,
    tokens,
    createdAt,
    updatedAt,
    title: title === undefined ? undefined : unpack(title),
    system: system && entryOf(system),
    pinned,
    meta: meta === undefined ? undefined : unpack(meta),
    summary: summary && { through: summary.through, payload: unpack(summary.packed) },
    turns,
  }
}

/** The newest `limit` messages before a position, oldest first. */
export function pageOf(
  { messages }: SessionCell,
  limit: number,
  before: number = Number.POSITIVE_INFINITY,
): Entry[] {
  return messages.page(limit, before).map(entryOf)
}

function entryOf({ seq, id, role, tokens, packed }: KeptMessage): Entry {
  return { seq, id, role, tokens, payload: unpack(packed) }
}

function distinct(kept: Messages, entries: readonly NewEntry[], lastSeq: number): KeptMessage[] {
  const seen = new Set<string>()
  const fresh: KeptMessage[] = []
  for (const { id, role, tokens, payload } of entries) {
    if (seen.has(id) || kept.find(id) !== undefined) continue
    seen.add(id)
    fresh.push({
      seq: lastSeq + fresh.length + 1,
      id,
      role,
      tokens,
      packed: pack(payload),
      answer: undefined,
    })
  }
  return fresh
}

type Sized = Pick<SessionCell, 'title' | 'system' | 'messages' | 'meta' | 'summary' | 'turns'>

function sizeOfParts({ title, system, messages, meta, summary, turns }: Sized): number {
  const texts = (title?.length ?? 0) + (meta?.length ?? 0) + (summary?.packed.length ?? 0)
  const beside = texts + (system ? messageSize(system) : 0) + turns.length * recordBytes
  return sessionBytes + beside + messages.bytes
}

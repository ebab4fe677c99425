import type { SessionKeys } from '../../keys.ts'
import type {
  AppendBounds,
  Entry,
  NewEntry,
  RoleLetter,
  SessionMeta,
  TurnRecord,
} from '../../ports/history.ts'
import { type Packed, pack, unpack } from './packed.ts'
import { type Answer, trimmed } from './trim.ts'
import { isLive } from './turn-records.ts'

/** A message as it is kept. */
export interface KeptMessage {
  readonly seq: number
  readonly id: string
  readonly role: RoleLetter
  readonly tokens: number
  readonly packed: Packed
  /** Of a question that a turn has answered. */
  readonly answer?: Answer | undefined
}

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
  readonly messages: readonly KeptMessage[]
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

// Objects and array slot of a message, of a session, and of a turn's record, on Node 20.
const messageBytes = 120
const sessionBytes = 400
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
  const kept = session?.messages ?? []
  const fresh = distinct(kept, entries, session?.seq ?? 0)
  if (fresh.length === 0) return undefined
  const all = [...kept, ...fresh]
  const turns = session?.turns ?? []
  const running = turns.filter((turn) => turn.turn === answering || isLive(turn, now))
  const messages = trimmed(all, { max, keep }, new Set(running.map(({ turn }) => turn)))
  return {
    session: cellOf({
      keys,
      rev: (session?.rev ?? 0) + 1,
      seq: all.at(-1)?.seq ?? 0,
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
  return { ...session, turns, bytes: session.bytes + more }
}

/** The session with a note, at a question, of where its answer is: what was added after a position. */
export function withAnswer(
  session: SessionCell,
  question: string,
  answer: readonly { readonly id: string }[],
  before: number,
): SessionCell {
  const ids = new Set(answer.map(({ id }) => id))
  const known = session.messages.filter(({ id }) => ids.has(id))
  const added = known.filter(({ seq }) => seq > before)
  const found = added.length > 0 ? added : known
  const first = found[0]?.seq
  if (first === undefined) return session
  const messages = session.messages.map((message) =>
    message.id === question ? { ...message, answer: { first, count: found.length } } : message,
  )
  return { ...session, messages }
}

/** The cell of a session of these parts. */
export function cellOf(parts: Omit<SessionCell, 'kind' | 'bytes' | 'tokens'>): SessionCell {
  const tokens = parts.messages.reduce((sum, message) => sum + message.tokens, 0)
  return { ...parts, kind: 'session', bytes: sizeOfParts(parts), tokens }
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
    messages: [],
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
export function metaOf(session: SessionCell): SessionMeta {
  const { rev, seq, tokens, createdAt, updatedAt, title, system, messages } = session
  const { pinned, meta, summary, turns } = session
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
  const end = messages.findLastIndex(({ seq }) => seq < before) + 1
  return messages.slice(Math.max(0, end - limit), end).map(entryOf)
}

function entryOf({ seq, id, role, tokens, packed }: KeptMessage): Entry {
  return { seq, id, role, tokens, payload: unpack(packed) }
}

function distinct(
  kept: readonly KeptMessage[],
  entries: readonly NewEntry[],
  lastSeq: number,
): KeptMessage[] {
  const known = new Set(kept.map(({ id }) => id))
  const fresh: KeptMessage[] = []
  for (const { id, role, tokens, payload } of entries) {
    if (known.has(id)) continue
    known.add(id)
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
  return messages.reduce((sum, message) => sum + messageSize(message), sessionBytes + beside)
}

function messageSize({ id, packed }: KeptMessage): number {
  return messageBytes + id.length + packed.length
}

import type { SessionKeys } from '../../keys.ts'
import type { Changes, NewEntry } from '../../ports/history.ts'
import { pack } from './packed.ts'
import { cellOf, isSystem, type KeptMessage, type SessionCell } from './session.ts'

/** The session after a change of what stands beside its messages; the same where nothing changed. */
export function amended(session: SessionCell, changes: Changes, now: number): SessionCell {
  const changed: Partial<Parts> = Object.assign(
    {},
    titleAfter(session, changes),
    besideAfter(session, changes),
    summaryAfter(session, changes),
  )
  return Object.keys(changed).length === 0 ? session : changedOf(session, changed, now)
}

/** Whether these changes make a session where there is none. */
export function makes({ title, meta, pinned, system }: Changes): boolean {
  return [title, meta, pinned, system].some((change) => change !== undefined)
}

/** The session with another content of one message; `undefined` when the message is not there. */
export function updated(
  session: SessionCell,
  entry: NewEntry,
  now: number,
): SessionCell | undefined {
  const old = session.messages.find(({ id }) => id === entry.id)
  if (old === undefined) return undefined
  const message = { ...keptAt(old.seq, entry), answer: old.answer }
  const messages = session.messages.map((each) => (each === old ? message : each))
  const { system } = session
  if (system === undefined || !isSame(system, old)) return changedOf(session, { messages }, now)
  return changedOf(session, { messages, system: isSystem(message) ? message : undefined }, now)
}

/** The session up to a message and without it; `undefined` when the message is not there. */
export function rewound(session: SessionCell, id: string, now: number): SessionCell | undefined {
  const at = session.messages.findIndex((message) => message.id === id)
  if (at < 0) return undefined
  const left = shortened(session, at)
  const gone = new Set(session.messages.slice(at).map((message) => message.id))
  const turns = session.turns.filter(({ turn }) => !gone.has(turn))
  return changedOf(session, { ...left, turns }, now)
}

/** A copy up to a message and with it; `undefined` when the message is not there. */
export function forked(
  session: SessionCell,
  keys: SessionKeys,
  through: string | undefined,
  now: number,
): SessionCell | undefined {
  const last = session.messages.findIndex(({ id }) => id === through)
  if (through !== undefined && last < 0) return undefined
  const left = shortened(session, through === undefined ? session.messages.length : last + 1)
  const { title, meta } = session
  const parts = { title, meta, pinned: false, turns: [], ...left }
  return cellOf({ keys, rev: 1, createdAt: now, updatedAt: now, ...parts })
}

type Parts = Omit<SessionCell, 'kind' | 'bytes' | 'tokens'>

function changedOf(session: SessionCell, changed: Partial<Parts>, now: number): SessionCell {
  return cellOf({ ...session, ...changed, rev: session.rev + 1, updatedAt: now })
}

function titleAfter(session: SessionCell, { title, firstTitle }: Changes): Partial<Parts> {
  const bytes = title ?? (title === null || session.title === undefined ? firstTitle : undefined)
  if (bytes) return { title: pack(bytes) }
  return title === null ? { title: undefined } : {}
}

function besideAfter({ seq }: SessionCell, { meta, pinned, system }: Changes): Partial<Parts> {
  return {
    ...(meta !== undefined && { meta: meta ? pack(meta) : undefined }),
    ...(pinned !== undefined && { pinned }),
    ...(system !== undefined && { system: system ? keptAt(seq, system) : undefined }),
  }
}

function keptAt(seq: number, { id, role, tokens, payload }: NewEntry): KeptMessage {
  return { seq, id, role, tokens, packed: pack(payload) }
}

function summaryAfter(session: SessionCell, { summary }: Changes): Partial<Parts> {
  if (summary === undefined || summary.after !== (session.summary?.through ?? 0)) return {}
  const { through, payload } = summary
  const oldest = session.seq - session.messages.length + 1
  if (through > session.seq || through < oldest - 1) return {}
  return { summary: { through, packed: pack(payload) } }
}

/** What is left of a session's messages, and of what depends on them, before a place. */
function shortened(
  session: SessionCell,
  place: number,
): Pick<Parts, 'seq' | 'messages' | 'system' | 'summary'> {
  const oldest = session.seq - session.messages.length + 1
  const cut = oldest + place
  const messages = session.messages.slice(0, place).map((message) => answeredBefore(message, cut))
  const { summary } = session
  return {
    seq: cut - 1,
    messages,
    system: systemAmong(session, messages),
    summary: summary && summary.through < cut ? summary : undefined,
  }
}

/** A question whose answer begins behind the cut is unanswered again. */
function answeredBefore(message: KeptMessage, cut: number): KeptMessage {
  const { answer } = message
  if (answer === undefined || answer.first + answer.count <= cut) return message
  if (answer.first >= cut) return { ...message, answer: undefined }
  return { ...message, answer: { ...answer, count: cut - answer.first } }
}

/** The system message once only these are left: one that is not among the messages stays. */
function systemAmong(
  { system, messages }: SessionCell,
  left: readonly KeptMessage[],
): KeptMessage | undefined {
  if (system === undefined || !messages.some((each) => isSame(system, each))) return system
  return left.findLast(isSystem)
}

function isSame(one: KeptMessage, other: KeptMessage): boolean {
  return one.seq === other.seq && one.id === other.id
}

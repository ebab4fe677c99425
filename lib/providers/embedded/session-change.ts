import type { SessionKeys } from '../../keys.ts'
import type { Changes, NewEntry } from '../../ports/history.ts'
import { type KeptMessage, Messages } from './messages.ts'
import { pack } from './packed.ts'
import { cellOf, isSystem, type SessionCell } from './session.ts'

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
  const old = session.messages.find(entry.id)
  if (old === undefined) return undefined
  const message = { ...keptAt(old.seq, entry), answer: old.answer }
  const messages = session.messages.replaced(message)
  const { system } = session
  if (system === undefined || !isSame(system, old)) return changedOf(session, { messages }, now)
  return changedOf(session, { messages, system: isSystem(message) ? message : undefined }, now)
}

/** The session up to a message and without it; `undefined` when the message is not there. */
export function rewound(session: SessionCell, id: string, now: number): SessionCell | undefined {
  const cut = session.messages.find(id)?.seq
  if (cut === undefined) return undefined
  const left = shortened(session, cut)
  const goes = (question: string) => (session.messages.find(question)?.seq ?? 0) >= cut
  const turns = session.turns.filter(({ turn }) => !goes(turn))
  return changedOf(session, { ...left, turns }, now)
}

/** A copy up to a message and with it; `undefined` when the message is not there. */
export function forked(
  session: SessionCell,
  keys: SessionKeys,
  through: string | undefined,
  now: number,
): SessionCell | undefined {
  const last = through === undefined ? session.seq : session.messages.find(through)?.seq
  if (last === undefined) return undefined
  const left = shortened(session, last + 1)
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

/** What is left of a session's messages, and of what depends on them, before a position. */
function shortened(
  session: SessionCell,
  cut: number,
): Pick<Parts, 'seq' | 'messages' | 'system' | 'summary'> {
  const left = session.messages.page(session.messages.length, cut)
  const messages = left.map((message) => answeredBefore(message, cut))
  const { summary } = session
  return {
    seq: cut - 1,
    messages: Messages.of(messages),
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
  const stored = system && messages.find(system.id)
  if (system === undefined || !stored || !isSame(system, stored)) return system
  return left.findLast(isSystem)
}

function isSame(one: KeptMessage, other: KeptMessage): boolean {
  return one.seq === other.seq && one.id === other.id
}

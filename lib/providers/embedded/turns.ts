import { type SessionKeys, turnKey } from '../../keys.ts'
import type { AppendBounds, NewEntry, ReadResult, TurnRecord } from '../../ports/history.ts'
import type { PubSub } from '../../ports/pub-sub.ts'
import type { Begun, EndedTurn, TurnClaim, TurnHold, Turns } from '../../ports/turns.ts'
import { batchMessage, endMessage, tell } from '../turn-message.ts'
import { type Conversations, endOf } from './history.ts'
import { extended, metaOf, pageOf, type SessionCell, withAnswer, withTurns } from './session.ts'
import {
  added,
  changed,
  ended,
  heldBy,
  inTheWay,
  isLive,
  isOpen,
  lately,
  without,
} from './turn-records.ts'

/** Turns of conversations in this process: records in the session, pieces beside it. */
export function embeddedTurns(conversations: Conversations, bus: PubSub): Turns {
  const { sessions, keyspace } = conversations
  const { now } = keyspace
  return {
    async begin(keys, question, claim, bounds, limit) {
      const begun = begin(conversations, keys, question, claim, bounds)
      return { begun, read: renewed(conversations, keys, bounds.ttlMs, limit) }
    },

    async write(keys, hold, batch, { leaseMs, keepMs }) {
      const held = sessions.open('write', keys)
      const record = held && heldBy(held.cell.turns, hold)
      if (!record || !isOpen(record)) return 'lost'
      const channel = turnKey(keys, hold.turn)
      // Until the turn is ended: whoever reads next may come late.
      const stayMs = Math.max(keepMs, held.expiresAt - now())
      const news = batch && sessions.pieces.keep(channel, batch, stayMs)
      const until = now() + leaseMs
      const turns = changed(held.cell.turns, hold.turn, { state: record.state, until })
      sessions.put('write', withTurns(held.cell, turns), held.expiresAt)
      if (news) await bus.publish(channel, batchMessage(batch))
      return record.state === 'stopping' ? 'stopping' : 'written'
    },

    async end(keys, hold, answer, bounds, how) {
      const before = sessions.open('end', keys)?.cell
      const done = end(conversations, keys, hold, answer, bounds, how)
      const news = done.kind === 'ended' && !isEnded(before, hold)
      if (news) await bus.publish(turnKey(keys, hold.turn), endMessage)
      return done
    },

    async stop(keys, turn) {
      const held = sessions.open('stop', keys)
      if (!held) return []
      const asks = (each: TurnRecord) => isOpen(each) && (turn === undefined || each.turn === turn)
      const turns = held.cell.turns.map(
        (each): TurnRecord => (asks(each) ? { ...each, state: 'stopping' } : each),
      )
      sessions.put('stop', withTurns(held.cell, turns), held.expiresAt)
      const asked = turns.filter(asks)
      for (const { runner, token } of asked) await bus.publish(runner, Buffer.from(token))
      return asked
    },

    async look(keys, turn, after) {
      const records = lately(sessions.open('look', keys)?.cell.turns ?? [], now())
      const record =
        turn === undefined ? records.at(-1) : records.find((each) => each.turn === turn)
      if (!record) return { record, live: false, batches: [] }
      const batches = sessions.pieces.after(turnKey(keys, record.turn), after)
      return { record, live: isLive(record, now()), batches }
    },

    watch: (keys, turn, listener) =>
      bus.subscribe(turnKey(keys, turn), (message) => tell(listener, message)),

    onStop: (runner, listener) => bus.subscribe(runner, (token) => listener(token.toString())),
  }
}

function begin(
  { sessions, keyspace, tombs }: Conversations,
  keys: SessionKeys,
  question: NewEntry,
  claim: TurnClaim,
  bounds: AppendBounds,
): Begun {
  const forgotten = tombs.at(keys.gone)
  if (forgotten) return forgotten
  const now = keyspace.now()
  const old = sessions.open('begin', keys)?.cell
  const records = lately(old?.turns ?? [], now)
  const answer = old?.messages.find(question.id)?.answer
  if (answer) return { kind: 'answered', ...answer }
  const other = inTheWay(records, question.id, claim)
  // One's own is met where the first reply was lost.
  if (other && !(other.turn === question.id && other.token === claim.token))
    return blocked(other, question, now)

  const change = extended(old, keys, [question], bounds, now)
  const session = change?.session ?? (old as SessionCell)
  const { token, runner, leaseMs } = claim
  const state = other?.state ?? 'running'
  const record = { turn: question.id, token, runner, state, until: now + leaseMs }
  const turns = added(records, record)
  sessions.put('begin', withTurns(session, turns), endOf(bounds.ttlMs, now))
  // An earlier try at the same question counted its pieces from 1 as well.
  if (!other) sessions.pieces.delete(turnKey(keys, question.id))
  for (const { turn } of without(old?.turns ?? [], turns))
    sessions.pieces.delete(turnKey(keys, turn))
  return {
    kind: 'begun',
    rev: session.rev,
    seq: session.seq,
    trimmed: change?.trimmed ?? 0,
    created: old === undefined,
    again: change === undefined,
  }
}

function blocked(record: TurnRecord, question: NewEntry, now: number): Begun {
  if (!isLive(record, now)) return { kind: 'lapsed', record }
  return { kind: record.turn === question.id ? 'running' : 'busy', record }
}

/** The newest messages, and the turns that run; the session is kept for as long as if it were read. */
function renewed(
  { sessions, keyspace }: Conversations,
  keys: SessionKeys,
  ttlMs: number | undefined,
  limit: number,
): ReadResult {
  const held = sessions.open('begin', keys)
  if (held === undefined) return { meta: undefined, entries: [] }
  sessions.renew(held, ttlMs === undefined ? held.expiresAt : keyspace.now() + ttlMs)
  const meta = metaOf(held.cell, held.cell.turns.filter(isOpen))
  return { meta, entries: pageOf(held.cell, limit) }
}

function end(
  { sessions, keyspace, tombs }: Conversations,
  keys: SessionKeys,
  hold: TurnHold,
  answer: readonly NewEntry[],
  bounds: AppendBounds,
  { lapsed, keepMs }: { readonly lapsed: boolean; readonly keepMs: number },
): EndedTurn {
  const forgotten = tombs.at(keys.gone)
  if (forgotten) return forgotten
  const now = keyspace.now()
  const old = sessions.open('end', keys)?.cell
  const record = old && heldBy(lately(old.turns, now), hold)
  if (!record) return { kind: 'lost' }
  if (!isOpen(record)) return endedBefore(old, answer)
  if (lapsed && isLive(record, now)) return { kind: 'held' }

  const change = extended(old, keys, answer, bounds, now, hold.turn)
  const session = withAnswer(change?.session ?? old, hold.turn, answer, old.seq)
  const turns = ended(lately(old.turns, now), record, now + keepMs)
  sessions.put('end', withTurns(session, turns), endOf(bounds.ttlMs, now))
  sessions.pieces.end(turnKey(keys, hold.turn), keepMs)
  for (const { turn } of without(old.turns, turns)) sessions.pieces.delete(turnKey(keys, turn))
  const added = change?.added ?? 0
  const { rev, seq } = session
  return {
    kind: 'ended',
    rev,
    seq,
    added,
    duplicates: answer.length - added,
    trimmed: change?.trimmed ?? 0,
  }
}

function isEnded(session: SessionCell | undefined, hold: TurnHold): boolean {
  return session !== undefined && heldBy(session.turns, hold)?.state === 'ended'
}

/** The same end once more; whoever has another answer comes too late. */
function endedBefore({ messages, rev, seq }: SessionCell, answer: readonly NewEntry[]): EndedTurn {
  if (!answer.every(({ id }) => messages.find(id) !== undefined)) return { kind: 'lost' }
  return { kind: 'ended', rev, seq, added: 0, duplicates: answer.length, trimmed: 0 }
}

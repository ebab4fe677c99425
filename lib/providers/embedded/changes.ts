import type { SessionKeys } from '../../keys.ts'
import { stateKey } from '../../keys.ts'
import type { ChangeBounds, Conflict, Forgotten, HistoryLog } from '../../ports/history.ts'
import type { PubSub } from '../../ports/pub-sub.ts'
import { type Conversations, endOf } from './conversations.ts'
import { dropSession, dropTurns } from './dropped.ts'
import { emptySession, type SessionCell } from './session.ts'
import { amended, forked, makes, rewound, updated } from './session-change.ts'

type OfOne = 'amend' | 'update' | 'rewind' | 'fork'
type OfAll = 'shrink' | 'forget'

/** Changes of whole sessions. */
export function embeddedChanges(
  conversations: Conversations,
  bus: PubSub,
): Pick<HistoryLog, OfOne | OfAll> {
  return { ...changesOfOne(conversations, bus), ...changesOfAll(conversations, bus) }
}

function changesOfOne(conversations: Conversations, bus: PubSub): Pick<HistoryLog, OfOne> {
  const { sessions, keyspace, tombs } = conversations
  const { now } = keyspace

  /** The session, or why it is not to be changed. */
  function before(
    operation: string,
    keys: SessionKeys,
    { ifRev }: ChangeBounds,
  ): { old: SessionCell | undefined; refused?: Conflict | Forgotten | undefined } {
    const forgotten = tombs.at(keys.gone)
    if (forgotten) return { old: undefined, refused: forgotten }
    const old = sessions.open(operation, keys)?.cell
    const rev = old?.rev ?? 0
    const conflict = ifRev !== undefined && ifRev !== rev
    return { old, refused: conflict ? { kind: 'conflict', rev } : undefined }
  }

  return {
    async amend(keys, changes, bounds) {
      const { old, refused } = before('amend', keys, bounds)
      if (refused) return refused
      if (old === undefined && !makes(changes)) return { kind: 'absent' }
      const at = now()
      const session = amended(old ?? emptySession(keys, at), changes, at)
      sessions.put('amend', session, endOf(bounds.ttlMs, at))
      return { kind: 'changed', rev: session.rev }
    },
    async update(keys, entry, bounds) {
      const { old, refused } = before('update', keys, bounds)
      if (refused) return refused
      const session = old && updated(old, entry, now())
      if (session === undefined) return { kind: 'absent' }
      sessions.put('update', session, endOf(bounds.ttlMs, now()))
      return { kind: 'changed', rev: session.rev }
    },
    async rewind(keys, id, bounds) {
      const { old, refused } = before('rewind', keys, bounds)
      if (refused) return refused
      const session = old && rewound(old, id, now())
      if (old === undefined || session === undefined) return { kind: 'absent' }
      sessions.put('rewind', session, endOf(bounds.ttlMs, now()))
      const left = new Set(session.turns)
      const gone = old.turns.filter((turn) => !left.has(turn))
      dropTurns(conversations, bus, keys.session, gone)
      const removed = old.messages.length - session.messages.length
      return { kind: 'rewound', rev: session.rev, removed }
    },
    async fork(keys, to, through, ttlMs) {
      const forgotten = tombs.at(keys.gone)
      if (forgotten) return forgotten
      if (sessions.open('fork', to)) return { kind: 'exists' }
      const old = sessions.open('fork', keys)?.cell
      const session = old && forked(old, to, through, now())
      if (session === undefined) return { kind: 'absent' }
      const state = sessions.openFields('fork', stateKey(keys))?.cell
      sessions.put('fork', session, endOf(ttlMs, now()), state)
      return { kind: 'forked', rev: session.rev, length: session.messages.length }
    },
  }
}

function changesOfAll(conversations: Conversations, bus: PubSub): Pick<HistoryLog, OfAll> {
  const { sessions, keyspace, tombs } = conversations
  return {
    async shrink({ index }, max) {
      const all = sessions.listed('shrink', index)
      // The first of them is the one that is talked to now.
      const oldest = all
        .slice(1)
        .filter(({ pinned }) => !pinned)
        .reverse()
      const gone = oldest.slice(0, Math.max(0, all.length - max))
      for (const session of gone) dropSession(conversations, bus, session)
      return gone.map(({ keys }) => keys.id)
    },
    async forget({ index, gone, preferences }) {
      tombs.raise(gone)
      const all = sessions.listed('forget', index)
      for (const session of all) dropSession(conversations, bus, session)
      keyspace.remove(preferences)
      return all.length
    },
  }
}

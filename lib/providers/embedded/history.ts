import type { HistoryLog, ListCursor } from '../../ports/history.ts'
import { embeddedChanges } from './changes.ts'
import type { Keyspace } from './keyspace.ts'
import { extended, metaOf, pageOf, type SessionCell } from './session.ts'
import type { SessionShelf } from './session-shelf.ts'
import type { Tombs } from './tombs.ts'

/** What the ports of conversations share. */
export interface Conversations {
  readonly sessions: SessionShelf
  readonly keyspace: Keyspace
  readonly tombs: Tombs
}

/** Conversations in this process. A session is one cell, an owner's index another. */
export function embeddedHistory({ sessions, keyspace, tombs }: Conversations): HistoryLog {
  const { now } = keyspace
  return {
    async append(keys, entries, bounds) {
      const forgotten = tombs.at(keys.gone)
      if (forgotten) return forgotten
      const old = sessions.open('append', keys)?.cell
      const rev = old?.rev ?? 0
      if (bounds.ifRev !== undefined && bounds.ifRev !== rev) return { kind: 'conflict', rev }
      const change = extended(old, keys, entries, bounds, now())
      const { session, added, trimmed } = change ?? { session: old, added: 0, trimmed: 0 }
      if (session) sessions.put('append', session, endOf(bounds.ttlMs, now()))
      return {
        kind: 'appended',
        rev: session?.rev ?? rev,
        seq: session?.seq ?? 0,
        added,
        duplicates: entries.length - added,
        trimmed,
        created: old === undefined && added > 0,
      }
    },
    async read(keys, { limit, before, ttlMs }) {
      const held = sessions.open('read', keys)
      if (held === undefined) return { meta: undefined, entries: [] }
      const { cell, expiresAt } = held
      sessions.put('read', cell, ttlMs === undefined ? expiresAt : now() + ttlMs)
      return { meta: metaOf(cell), entries: pageOf(cell, limit, before) }
    },
    list: async (index, { limit, after }) =>
      sessions
        .listed('list', index)
        .sort((one, other) => order(cursor(one), cursor(other)))
        .filter((session) => after === undefined || order(cursor(session), after) > 0)
        .slice(0, limit)
        .map((session) => ({ id: session.keys.id, meta: metaOf(session) })),
    remove: async (keys) =>
      sessions.open('remove', keys) !== undefined && sessions.delete(keys.session),
    ...embeddedChanges({ sessions, keyspace, tombs }),
  }
}

/** When what is kept for so long from now ends. */
export function endOf(ttlMs: number | undefined, now: number): number {
  return now + (ttlMs ?? Number.POSITIVE_INFINITY)
}

function cursor({ keys, updatedAt }: SessionCell): ListCursor {
  return { at: updatedAt, id: keys.id }
}

/** Last active first; of the same millisecond, the greater id first. */
function order(one: ListCursor, other: ListCursor): number {
  if (one.at !== other.at) return other.at - one.at
  return one.id === other.id ? 0 : one.id < other.id ? 1 : -1
}

import type { HistoryLog, ListCursor } from '../../ports/history.ts'
import type { Keyspace } from './keyspace.ts'
import { extended, metaOf, pageOf, type SessionCell } from './session.ts'
import { createSessionShelf } from './session-shelf.ts'
import type { Share } from './shelf.ts'

/** Conversations in this process. A session is one cell, an owner's index another. */
export function embeddedHistory(keyspace: Keyspace, share: Share): HistoryLog {
  const { now } = keyspace
  const sessions = createSessionShelf(keyspace, share)
  return {
    async append(keys, entries, { ttlMs = Number.POSITIVE_INFINITY, ifRev, ...bounds }) {
      const old = sessions.open('append', keys)?.cell
      const { rev, seq } = old ?? { rev: 0, seq: 0 }
      if (ifRev !== undefined && ifRev !== rev) return { kind: 'conflict', rev }
      const change = extended(old, keys, entries, bounds, now())
      const session = change?.session ?? old
      if (session) sessions.put('append', session, now() + ttlMs)
      const { added, trimmed } = change ?? { added: 0, trimmed: 0 }
      return {
        kind: 'appended',
        rev: session?.rev ?? rev,
        seq: session?.seq ?? seq,
        added,
        duplicates: entries.length - added,
        trimmed,
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
  }
}

function cursor({ keys, updatedAt }: SessionCell): ListCursor {
  return { at: updatedAt, id: keys.id }
}

/** Last active first; of the same millisecond, the greater id first. */
function order(one: ListCursor, other: ListCursor): number {
  if (one.at !== other.at) return other.at - one.at
  return one.id === other.id ? 0 : one.id < other.id ? 1 : -1
}

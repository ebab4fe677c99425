import type { HistoryLog } from '../../ports/history.ts'
import type { PubSub } from '../../ports/pub-sub.ts'
import { embeddedChanges } from './changes.ts'
import { type Conversations, endOf } from './conversations.ts'
import { dropSession } from './dropped.ts'
import { extended, metaOf, pageOf } from './session.ts'

export { type Conversations, endOf } from './conversations.ts'

/** Conversations in this process. A session is one cell, an owner's index another. */
export function embeddedHistory(conversations: Conversations, bus: PubSub): HistoryLog {
  const { sessions, keyspace, tombs } = conversations
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
      sessions.renew(held, ttlMs === undefined ? held.expiresAt : now() + ttlMs)
      return { meta: metaOf(held.cell), entries: pageOf(held.cell, limit, before) }
    },
    list: async (index, page) =>
      sessions
        .listed('list', index, page)
        .map((session) => ({ id: session.keys.id, meta: metaOf(session) })),
    async remove(keys) {
      const held = sessions.open('remove', keys)
      if (held) dropSession(conversations, bus, held.cell)
      return held !== undefined
    },
    ...embeddedChanges(conversations, bus),
  }
}

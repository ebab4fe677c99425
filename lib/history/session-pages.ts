import type { SessionKeys } from '../keys.ts'
import type { Entry, HistoryLog, ListCursor, Listed, SessionMeta } from '../ports/history.ts'

const pageLength = 100

/** A piece of a session as it is walked through. */
export interface SessionPage {
  readonly meta: SessionMeta
  /** Oldest first; empty in a session without messages. */
  readonly entries: readonly Entry[]
}

/**
 * Walks through a session from its oldest message, a hundred at a time; nothing where there is none.
 * Each call has the store's whole deadline: what a request has spent does not count here.
 */
export async function* sessionPages(
  history: HistoryLog,
  keys: SessionKeys,
): AsyncGenerator<SessionPage> {
  const { meta } = await history.read(keys, { limit: 0, before: undefined, ttlMs: undefined })
  if (meta === undefined) return
  let next = meta.seq - meta.length + 1
  let empty = true
  for (;;) {
    const range = { limit: pageLength, before: next + pageLength, ttlMs: undefined }
    const page = await history.read(keys, range)
    // Messages before `next` were walked through already, or trimmed meanwhile.
    const entries = page.entries.filter(({ seq }) => seq >= next)
    if (entries.length > 0 || empty) yield { meta: page.meta ?? meta, entries }
    empty = false
    next += pageLength
    if (page.meta === undefined || next > page.meta.seq) return
  }
}

/**
 * Walks through all sessions of an owner, last active first, each once. A session that is used
 * meanwhile moves to the front, behind the walker: there it is looked for at the end.
 */
export async function* allSessions(history: HistoryLog, index: string): AsyncGenerator<Listed> {
  const seen = new Set<string>()
  let floor = 0
  for (;;) {
    const before = seen.size
    let top = floor
    for await (const listed of activeSince(history, index, floor)) {
      top = Math.max(top, listed.meta.updatedAt)
      if (seen.has(listed.id)) continue
      seen.add(listed.id)
      yield listed
    }
    if (seen.size === before) return
    floor = top
  }
}

async function* activeSince(
  history: HistoryLog,
  index: string,
  floor: number,
): AsyncGenerator<Listed> {
  let after: ListCursor | undefined
  for (;;) {
    const page = await history.list(index, { limit: pageLength, after })
    for (const listed of page) {
      if (listed.meta.updatedAt < floor) return
      yield listed
    }
    const last = page.at(-1)
    if (last === undefined || page.length < pageLength) return
    after = cursorOf(last)
  }
}

/** Where a listing goes on after a session. */
export function cursorOf({ id, meta }: Listed): ListCursor {
  return { at: meta.updatedAt, id }
}

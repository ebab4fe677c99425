import type { SessionKeys } from '../keys.ts'
import type { AppendBounds, Appended, NewEntry, ReadResult } from '../ports/history.ts'
import { type Attempt, attempt, type Continuation } from './continuation.ts'
import type { MemoryRules, MemoryScope } from './scope.ts'

/** One session in the store, or in this process while the store is away. */
export interface SessionLog {
  append(entries: readonly NewEntry[], bounds: AppendBounds): Promise<Attempt<Appended>>
  read(limit: number, before?: number): Promise<ReadResult>
  remove(): Promise<boolean>
}

/** The log of one session, within the deadline of one request. */
export function sessionLog(
  { history, continuation, ttlMs }: MemoryRules,
  scope: MemoryScope,
  keys: SessionKeys,
): SessionLog {
  const call = { deadline: scope.deadline }

  async function ask<T>(
    send: () => Promise<T>,
    standIn?: (local: Continuation) => T,
  ): Promise<Attempt<T>> {
    const done = await attempt(
      async () => {
        // What was kept while the store was away goes first, so that the order holds.
        await continuation?.settle(keys)
        return send()
      },
      continuation && standIn && (() => standIn(continuation)),
    )
    if (done.degraded) scope.degraded = true
    return done
  }

  return {
    append: (entries, bounds) =>
      ask(
        () => history.append(keys, entries, bounds, call),
        // Without the store nobody knows at which rev the session is.
        bounds.ifRev === undefined
          ? (local) => kept(local.keep(keys, entries, bounds), entries.length)
          : undefined,
      ),
    read: async (limit, before) => {
      const { result } = await ask(
        () => history.read(keys, { limit, before, ttlMs }, call),
        (local) => local.read(keys),
      )
      return result
    },
    remove: async () => (await ask(() => history.remove(keys, call))).result,
  }
}

function kept(added: number, sent: number): Appended {
  return { kind: 'appended', rev: 0, seq: 0, added, duplicates: sent - added, trimmed: 0 }
}

import type { Call } from '../deadline.ts'
import { isAway } from '../errors.ts'
import type { SessionKeys } from '../keys.ts'
import type { AppendBounds, Appended, NewEntry, ReadResult } from '../ports/history.ts'
import { type Attempt, attempt } from './attempt.ts'
import { salvageAll } from './salvage.ts'
import type { MemoryRules, MemoryScope } from './scope.ts'

/** One session in the store, or in this process while the store is away. */
export interface SessionLog {
  append(entries: readonly NewEntry[], bounds: AppendBounds): Promise<Attempt<Appended>>
  read(limit: number, before?: number): Promise<ReadResult>
  remove(): Promise<boolean>
  /** Asks the store, and nobody else, once what was kept meanwhile has been sent. */
  ask<T>(send: (call: Call) => Promise<T>): Promise<T>
}

/** The log of one session, within the deadline of one request. */
export function sessionLog(rules: MemoryRules, scope: MemoryScope, keys: SessionKeys): SessionLog {
  const { history, continuation, goesOn, ttlMs } = rules
  const { deadline } = scope
  const call = { deadline }

  async function flagged<T>(attempted: Promise<Attempt<T>>): Promise<Attempt<T>> {
    const done = await attempted
    if (done.degraded) scope.degraded = true
    return done
  }

  /** What the store refuses for now, because it is full, does not keep anybody from reading. */
  async function settleIfPossible(): Promise<void> {
    await continuation.settle(keys, deadline).catch((error: unknown) => {
      if (isAway(error)) throw error
      scope.degraded = true
    })
  }

  return {
    append: (entries, bounds) =>
      flagged(
        attempt(
          async () => {
            // What was kept while the store was away goes first, so that the order holds.
            await continuation.settle(keys, deadline)
            return history.append(keys, entries, bounds, call)
          },
          // Without the store nobody knows at which rev the session is.
          goesOn && bounds.ifRev === undefined
            ? () => kept(continuation.keep(keys, entries, bounds), entries.length)
            : undefined,
        ),
      ),
    read: async (limit, before) => {
      const ask = async () => {
        await settleIfPossible()
        const range = { limit, before, ttlMs }
        const found = await history.read(keys, range, call)
        const salvaged = await salvageAll(rules, scope.codec, keys, found.meta, call)
        const stored = salvaged ? await history.read(keys, range, call) : found
        return withKept(stored, continuation.read(keys, limit, before), limit)
      }
      const standIn = goesOn ? () => continuation.read(keys, limit, before) : undefined
      return (await flagged(attempt(ask, standIn))).result
    },
    remove: async () => {
      // A replay under way would put back what is removed.
      await settleIfPossible()
      const there = await history.remove(keys, call)
      continuation.forget(keys)
      return there
    },
    ask: async (send) => {
      await settleIfPossible()
      return send(call)
    },
  }
}

/** What the store does not take for now, because it is full, has been said all the same. */
function withKept(stored: ReadResult, { entries }: ReadResult, limit: number): ReadResult {
  if (entries.length === 0) return stored
  const ids = new Set(stored.entries.map(({ id }) => id))
  const last = stored.entries.at(-1)?.seq ?? 0
  const waiting = entries.filter(({ id }) => !ids.has(id))
  const after = waiting.map((entry, at) => ({ ...entry, seq: last + at + 1 }))
  return { ...stored, entries: [...stored.entries, ...after].slice(-limit) }
}

function kept(added: number, sent: number): Appended {
  return {
    kind: 'appended',
    rev: 0,
    seq: 0,
    added,
    duplicates: sent - added,
    trimmed: 0,
    created: false,
  }
}

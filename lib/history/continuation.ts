import { isAway, StoreError } from '../errors.ts'
import type { SessionKeys } from '../keys.ts'
import type { AppendBounds, Entry, HistoryLog, NewEntry, ReadResult } from '../ports/history.ts'
import { publish } from '../telemetry.ts'

const maxPendingBytes = 16 * 1024 * 1024
const retryEveryMs = 500

interface Pending {
  readonly keys: SessionKeys
  bounds: AppendBounds
  readonly entries: Map<string, NewEntry>
  replay: Promise<void> | undefined
}

/** A history that goes on in this process while its store is away. */
export interface Continuation {
  /** Sends what was kept meanwhile; rejects when the store is still away. */
  settle(keys: SessionKeys): Promise<void>
  /** Keeps messages until the store is back. @throws StoreError `full` above 16 MiB. */
  keep(keys: SessionKeys, entries: readonly NewEntry[], bounds: AppendBounds): number
  /** What was kept meanwhile. */
  read(keys: SessionKeys): ReadResult
}

/**
 * Keeps messages that could not be stored and sends them again by their ids, in order, once the
 * store is back: on the next use of the session, or within half a second by itself. Message ids
 * make it harmless where the lost write had been carried out after all.
 */
export function continuationOf(history: HistoryLog): Continuation {
  const made = known.get(history) ?? continuation(history)
  known.set(history, made)
  return made
}

// All mounts on one store share it: what one has kept, another sends before its own.
const known = new WeakMap<HistoryLog, Continuation>()

function continuation(history: HistoryLog): Continuation {
  const sessions = new Map<string, Pending>()
  let bytes = 0
  let timer: NodeJS.Timeout | undefined

  function schedule(): void {
    if (timer !== undefined || sessions.size === 0) return
    timer = setTimeout(async () => {
      timer = undefined
      for (const pending of sessions.values()) {
        // One failure says that the store is still away.
        if (!(await send(pending).then(succeeded, failed))) break
      }
      schedule()
    }, retryEveryMs).unref()
  }

  function send(pending: Pending): Promise<void> {
    pending.replay ??= replay(pending).finally(() => {
      pending.replay = undefined
    })
    return pending.replay
  }

  async function replay(pending: Pending): Promise<void> {
    while (pending.entries.size > 0) {
      const entries = [...pending.entries.values()]
      try {
        await history.append(pending.keys, entries, pending.bounds)
      } catch (error) {
        if (isAway(error)) throw error
        // The store is back and refuses: keeping them would block the session for ever.
        publish('error', () => ({ during: 'replay', error }))
      }
      for (const { id } of entries) pending.entries.delete(id)
      bytes -= size(entries)
    }
    sessions.delete(pending.keys.session)
  }

  return {
    async settle({ session }) {
      const pending = sessions.get(session)
      if (pending !== undefined) await send(pending)
    },
    keep(keys, entries, bounds) {
      const pending = sessions.get(keys.session) ?? {
        keys,
        bounds,
        entries: new Map(),
        replay: undefined,
      }
      const added = entries.filter(({ id }) => !pending.entries.has(id))
      if (bytes + size(added) > maxPendingBytes)
        throw new StoreError('append', 'full', { outcome: 'not-sent' })
      for (const entry of added) pending.entries.set(entry.id, entry)
      pending.bounds = { ...bounds, title: pending.bounds.title ?? bounds.title }
      bytes += size(added)
      sessions.set(keys.session, pending)
      schedule()
      return added.length
    },
    read({ session }) {
      const kept = [...(sessions.get(session)?.entries.values() ?? [])]
      return { meta: undefined, entries: kept.map(placed) }
    },
  }
}

function placed({ payload, ...entry }: NewEntry, at: number): Entry {
  return { ...entry, seq: at + 1, payload: Buffer.from(payload) }
}

function size(entries: readonly NewEntry[]): number {
  return entries.reduce((total, { payload }) => total + payload.byteLength + 128, 0)
}

function succeeded(): boolean {
  return true
}

function failed(): boolean {
  return false
}

/** A store's call, or what stands in for it while the store is away. */
export interface Attempt<T> {
  readonly result: T
  readonly degraded: boolean
}

/** Asks the store first, then the stand-in. */
export async function attempt<T>(
  ask: () => Promise<T>,
  standIn: ((error: unknown) => T) | undefined,
): Promise<Attempt<T>> {
  try {
    return { result: await ask(), degraded: false }
  } catch (error) {
    if (standIn === undefined || !isAway(error)) throw error
    publish('error', () => ({ during: 'memory', error }))
    return { result: standIn(error), degraded: true }
  }
}

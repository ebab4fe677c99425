import { setTimeout as sleep } from 'node:timers/promises'
import { Deadline } from '../deadline.ts'
import { StoreError } from '../errors.ts'
import type { SessionKeys } from '../keys.ts'
import type { AppendBounds, Entry, HistoryLog, NewEntry, ReadResult } from '../ports/history.ts'
import { type MemoryEvent, publish } from '../telemetry.ts'
import { Backlog, type Pending } from './backlog.ts'

const retryEveryMs = 500
// A large backlog in one command would outlast its deadline, and hold up everybody else's.
const pieceMessages = 64
const pieceBytes = 128 * 1024
const pieceDeadlineMs = 1000
// A store that is to close may be on its way back; one that hangs must not hold up the end.
const lastMs = 600
const lastPieceMs = 300
const lastEveryMs = 50

/** A history that goes on in this process while its store is away. */
export interface Continuation {
  /**
   * Sends what was kept meanwhile, within the deadline; rejects when the store does not take it.
   * `undefined` where nothing was.
   */
  settle(keys: SessionKeys, deadline: Deadline): Promise<void> | undefined
  /** Keeps messages until the store is back. @throws StoreError `full` above 16 MiB. */
  keep(keys: SessionKeys, entries: readonly NewEntry[], bounds: AppendBounds): number
  /** The newest of what was kept meanwhile; nothing where an older page is asked for. */
  read(keys: SessionKeys, limit: number, before: number | undefined): ReadResult
  /** Drops what was kept of a session. */
  forget(keys: SessionKeys): void
  /** The owner's sessions of which something is kept, by the key of their index. */
  of(index: string): readonly SessionKeys[]
  /** Sends everything, for as long as the store takes any of it, and keeps no timer. */
  close(): Promise<void>
}

const nothing: ReadResult = { meta: undefined, entries: [] }

// All mounts on one store share it: what one has kept, another sends before its own.
const known = new WeakMap<HistoryLog, Continuation>()

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

/** Sends what is still kept for a store that is about to close. */
export async function closeContinuation(history: HistoryLog): Promise<void> {
  await known.get(history)?.close()
}

function continuation(history: HistoryLog): Continuation {
  const backlog = new Backlog()
  let timer: NodeJS.Timeout | undefined
  let closed = false

  function schedule(): void {
    if (closed || timer !== undefined || backlog.size === 0) return
    timer = setTimeout(async () => {
      timer = undefined
      await flush()
      schedule()
    }, retryEveryMs).unref()
  }

  /** Tries each session once; one that fails goes to the end, so that it does not stand before others. */
  async function flush(): Promise<void> {
    for (const pending of backlog.all()) {
      if (await send(pending).then(succeeded, failed)) continue
      backlog.defer(pending)
      // One failure is enough to know that the store is still away.
      return
    }
  }

  const pieceMs = () => (closed ? lastPieceMs : pieceDeadlineMs)

  function send(pending: Pending): Promise<void> {
    pending.replay ??= replay(history, backlog, pending, pieceMs).finally(() => {
      pending.replay = undefined
    })
    return pending.replay
  }

  return {
    settle(keys, deadline) {
      const pending = backlog.of(keys)
      return pending && within(deadline, send(pending))
    },
    keep(keys, entries, bounds) {
      const added = backlog.add(keys, entries, bounds)
      if (added > 0) tell(backlog, 'kept', added)
      schedule()
      return added
    },
    read(keys, limit, before) {
      const pending = before === undefined ? backlog.of(keys) : undefined
      if (pending === undefined) return nothing
      return { meta: undefined, entries: [...pending.entries.values()].map(placed).slice(-limit) }
    },
    forget(keys) {
      const pending = backlog.of(keys)
      if (pending) backlog.drop(pending, [...pending.entries.values()])
    },
    of: (index) =>
      backlog
        .all()
        .map(({ keys }) => keys)
        .filter((keys) => keys.index === index),
    async close() {
      closed = true
      clearTimeout(timer)
      let endAt = performance.now() + lastMs
      while (backlog.size > 0 && performance.now() < endAt) {
        const { bytes } = backlog
        await flush()
        if (backlog.bytes < bytes) endAt = performance.now() + lastMs
        else await sleep(lastEveryMs)
      }
      if (backlog.messages > 0) tell(backlog, 'lost', backlog.messages)
    },
  }
}

function tell(backlog: Backlog, state: MemoryEvent['state'], messages: number): void {
  publish('memory', () => ({ state, messages, waiting: backlog.messages }))
}

async function replay(
  history: HistoryLog,
  backlog: Backlog,
  pending: Pending,
  pieceMs: () => number,
): Promise<void> {
  while (pending.entries.size > 0) {
    const piece = pieceOf(pending.entries.values())
    const call = { deadline: new Deadline(pieceMs()) }
    let state: MemoryEvent['state'] = 'sent'
    try {
      await history.append(pending.keys, piece, pending.bounds, call)
    } catch (error) {
      publish('error', () => ({ during: 'replay', error }))
      // Only what can never be stored is given up; a store that is full will have room again.
      if (!(error instanceof StoreError && error.reason === 'corrupt')) throw error
      state = 'lost'
    }
    backlog.drop(pending, piece)
    tell(backlog, state, piece.length)
  }
}

/** Waits for a replay as long as the request may wait. */
async function within(deadline: Deadline, replay: Promise<void>): Promise<void> {
  const startedAt = performance.now()
  const leftMs = deadline.remaining(startedAt)
  let timer: NodeJS.Timeout | undefined
  const expiry = new Promise<never>((_resolve, reject) => {
    const error = new StoreError('replay', 'timeout', { outcome: 'not-sent' })
    timer = setTimeout(() => reject(error), leftMs)
  })
  try {
    await Promise.race([replay, expiry])
  } catch (error) {
    deadline.failed(startedAt)
    throw error
  } finally {
    clearTimeout(timer)
  }
}

function pieceOf(entries: Iterable<NewEntry>): NewEntry[] {
  const piece: NewEntry[] = []
  let bytes = 0
  for (const entry of entries) {
    bytes += entry.payload.byteLength
    if (piece.length > 0 && (piece.length === pieceMessages || bytes > pieceBytes)) break
    piece.push(entry)
  }
  return piece
}

function placed({ payload, ...entry }: NewEntry, at: number): Entry {
  return { ...entry, seq: at + 1, payload: Buffer.from(payload) }
}

function succeeded(): boolean {
  return true
}

function failed(): boolean {
  return false
}

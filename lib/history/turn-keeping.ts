import { StoreError } from '../errors.ts'
import type { NewEntry } from '../ports/history.ts'
import type { TurnHold } from '../ports/turns.ts'
import { answerId } from './answer-entries.ts'
import { keepMs } from './answer-log.ts'
import { goneOn } from './attempt.ts'
import { boundsOf } from './bounds.ts'
import { afterAppend } from './growth.ts'
import { encodeMessageId } from './message-id.ts'
import { encodePieces } from './pieces.ts'
import { SessionLog } from './session-log.ts'
import type { Chunk } from './stream/chunk.ts'
import type { Conversation } from './turn-start.ts'

/** Where an answer goes while it grows, and at its end. */
export interface Keeping {
  /** Gives the number of the piece. */
  push(chunk: Chunk): number
  /** What to wait for where too much waits to be kept. */
  room(): Promise<void> | undefined
  /** Stores the answer and ends the turn. @throws StoreError */
  end(entries: readonly NewEntry[]): Promise<void>
  /** Leaves the turn to whoever comes once its lease has run out, where its end has failed. */
  release(): void
  /** Lets go of the turn, whether it has ended or not. */
  close(): void
}

/** Hears what becomes of a turn meanwhile. */
export interface KeepingEvents {
  stop(): void
  lost(): void
  degraded(): void
}

/** Keeps the answer in the store, under the turn's lease. */
export function keepInStore(
  conversation: Conversation,
  hold: TurnHold,
  events: KeepingEvents,
): Keeping {
  const { rules, scope, keys, runner } = conversation
  let degraded = false
  const line = runner.log.open({
    keys,
    hold,
    encode: (batch) => encodePieces(scope.codec, hold.turn, batch),
    told(news) {
      if (news === 'degraded') degraded = true
      // Lost while the store was away: the answer goes on, and takes the place of what was saved.
      if (news === 'lost' && degraded) return
      events[news === 'stopping' ? 'stop' : news]()
    },
  })
  const forget = runner.answers(hold.token, events.stop)

  function endHere(entries: readonly NewEntry[]): 'ended' {
    events.degraded()
    keepHere(conversation, entries)
    return 'ended'
  }

  async function ended(entries: readonly NewEntry[]): ReturnType<typeof endInStore> {
    try {
      return await endInStore(conversation, hold, entries)
    } catch (error) {
      return goneOn(error, rules.goesOn ? () => endHere(entries) : undefined).result
    }
  }

  return {
    push: (chunk) => line.push(chunk),
    room: () => line.room(),
    async end(entries) {
      const flushing = line.flush()
      if (flushing) await flushing
      const how = await ended(entries)
      if (how === 'ended') return
      if (how === 'before') await replaceSaved(conversation, hold, entries)
      if (how === 'before' && !degraded) return
      if (!(degraded && (await completed(conversation, hold, entries)))) throw gone()
    },
    release() {
      forget()
      line.release()
    },
    close() {
      forget()
      line.close()
    },
  }
}

/** Keeps the answer where its question is: in this process, until the store is back. */
export function keepAway(
  conversation: Conversation,
  hold: TurnHold,
  { sent }: { readonly sent: boolean },
): Keeping {
  const { rules, scope, keys } = conversation
  let pushed = 0
  return {
    push() {
      pushed += 1
      return pushed
    },
    room: () => undefined,
    async end(entries) {
      // The reply to the beginning was lost, but it may have been carried out.
      const ended = sent && (await endInStore(conversation, hold, entries).catch(() => 'lost'))
      if (ended === 'ended') return
      if (entries.length === 0) return
      const bounds = boundsOf(rules, scope.codec)
      const { result } = await new SessionLog(rules, scope, keys).append(entries, bounds)
      if (result.kind !== 'appended') throw gone()
    },
    release() {},
    close() {},
  }
}

/** Keeps an answer in this process until the store is back. */
function keepHere({ rules, scope, keys }: Conversation, entries: readonly NewEntry[]): void {
  if (entries.length === 0) return
  rules.continuation.keep(keys, entries, boundsOf(rules, scope.codec))
}

/** Ends a turn. `before`: it had ended already. `lost`: it is no longer this process's. */
async function endInStore(
  { rules, scope, keys }: Conversation,
  hold: TurnHold,
  entries: readonly NewEntry[],
): Promise<'ended' | 'before' | 'lost'> {
  const bounds = boundsOf(rules, scope.codec)
  const how = { lapsed: false, keepMs }
  const call = { deadline: scope.deadline }
  const ended = await rules.turns.end(keys, hold, entries, bounds, how, call)
  if (ended.kind !== 'ended') return 'lost'
  const { seq, added } = ended
  afterAppend(rules, scope.codec, keys, { seq, added, entries })
  return ended.duplicates > 0 ? 'before' : 'ended'
}

/**
 * While this process stood still its lease may have run out, and somebody has stored what was there
 * of the answer: the whole takes its place. Messages that are not this turn's own stay as they are.
 */
async function replaceSaved(
  { rules: { history, ttlMs }, scope, keys }: Conversation,
  { token }: TurnHold,
  entries: readonly NewEntry[],
): Promise<void> {
  const call = { deadline: scope.deadline }
  for (const [at, entry] of entries.entries())
    if (entry.id === encodeMessageId(answerId(token, at)))
      await history.update(keys, entry, { ttlMs, ifRev: undefined }, call)
}

/**
 * While the store was away the lease ran out, and somebody has stored what was there of the answer:
 * the whole takes its place. False where the question is gone.
 */
async function completed(
  { rules, scope, keys }: Conversation,
  { turn }: TurnHold,
  entries: readonly NewEntry[],
): Promise<boolean> {
  const call = { deadline: scope.deadline }
  const { ttlMs } = rules
  const newest = { limit: rules.window.messages, before: undefined, ttlMs }
  const { entries: there } = await rules.history.read(keys, newest, call)
  if (!there.some(({ id }) => id === turn)) return false
  for (const entry of entries.filter(({ id }) => there.some((each) => each.id === id)))
    await rules.history.update(keys, entry, { ttlMs, ifRev: undefined }, call)
  const { kind } = await rules.history.append(keys, entries, boundsOf(rules, scope.codec), call)
  return kind === 'appended'
}

/** The error of a turn whose session was deleted, forgotten, or rewound past its question. */
export function gone(): StoreError {
  return new StoreError('turn', 'conflict', {
    cause: new Error('The turn is gone: its session was deleted, forgotten or rewound'),
    outcome: 'not-sent',
  })
}
